#!/usr/bin/env bash
# "Manual Rollback" of the document, which waits for nothing, and its two steps that do.
set -eo pipefail

helm rollback todo-app

kubectl rollout status deployment/frontend --timeout=3m
kubectl rollout status deployment/backend --timeout=3m

kubectl get pods -l app=frontend
kubectl get pods -l app=backend
kubectl get components
