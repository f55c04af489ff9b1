#!/usr/bin/env bash
# What the document's stage lacks after a changed secret: its pods keep the old one until they are made anew.
set -eo pipefail

kubectl rollout restart deployment/backend
kubectl rollout status deployment/backend --timeout=3m
