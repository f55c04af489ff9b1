#!/usr/bin/env bash
# Missing from the document's stage: pods keep the old value of a changed secret until they restart.
set -eo pipefail

kubectl rollout restart deployment/backend
kubectl rollout status deployment/backend --timeout=3m
