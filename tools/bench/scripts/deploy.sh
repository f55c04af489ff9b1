#!/usr/bin/env bash
# The deploy stage of the pipeline that this project replaces, from the secrets to the pod list, line by line.
# Three differences: the chart takes each image as one string, the values are the embedded cluster's, and each image has
# its own tag, so that a change of one does not restart the other.
set -eo pipefail

# "Create/Update Kubernetes Secrets"
kubectl create secret generic app-secrets \
  --from-literal=cohere-api-key="$COHERE_API_KEY" \
  --from-literal=better-auth-secret="$BETTER_AUTH_SECRET" \
  --from-literal=database-url="$DATABASE_URL" \
  --dry-run=client -o yaml | kubectl apply -f -

kubectl create secret generic kafka-secrets \
  --from-literal=username="$KAFKA_USERNAME" \
  --from-literal=password="$KAFKA_PASSWORD" \
  --dry-run=client -o yaml | kubectl apply -f -

# "Deploy with Helm"
helm upgrade --install todo-app ./infra/helm/todo-app \
  --values ./infra/helm/todo-app/values-local.yaml \
  --set frontend.image="$FRONTEND_IMAGE" \
  --set backend.image="$BACKEND_IMAGE" \
  --wait \
  --timeout 5m \
  --atomic

# "Verify deployment"
kubectl rollout status deployment/frontend --timeout=3m
kubectl rollout status deployment/backend --timeout=3m

# "Check pod status"
kubectl get pods -l app=frontend
kubectl get pods -l app=backend
kubectl get components
