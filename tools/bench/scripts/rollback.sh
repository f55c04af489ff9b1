#!/usr/bin/env bash
# The document's "Manual Rollback", followed by its two steps that wait for the rollout.
set -eo pipefail

helm rollback todo-app

kubectl rollout status deployment/frontend --timeout=3m
kubectl rollout status deployment/backend --timeout=3m

kubectl get pods -l app=frontend
kubectl get pods -l app=backend
kubectl get components
