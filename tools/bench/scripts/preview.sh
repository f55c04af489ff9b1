#!/usr/bin/env bash
# The document has no preview. This is the nearest to one: a dry run on the server of each of its commands that changes
# something. It prints the objects as they would be, not what differs.
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
