#!/usr/bin/env bash
# The document has no preview. The nearest equivalent is a server-side dry run of each command that changes something.
# It prints the resulting objects, not the differences.
set -eo pipefail

kubectl create secret generic app-secrets \
  --from-literal=cohere-api-key="$COHERE_API_KEY" \
  --from-literal=better-auth-secret="$BETTER_AUTH_SECRET" \
  --from-literal=database-url="$DATABASE_URL" \
  --dry-run=client -o yaml | kubectl apply --dry-run=server -f -

kubectl create secret generic kafka-secrets \
  --from-literal=username="$KAFKA_USERNAME" \
  --from-literal=password="$KAFKA_PASSWORD" \
  --dry-run=client -o yaml | kubectl apply --dry-run=server -f -

helm upgrade --install todo-app ./infra/helm/todo-app \
  --values ./infra/helm/todo-app/values-local.yaml \
  --set frontend.image="$FRONTEND_IMAGE" \
  --set backend.image="$BACKEND_IMAGE" \
  --dry-run=server
