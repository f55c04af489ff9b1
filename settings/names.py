"""The names that are fixed: of the app's parts, its Helm release and its Kubernetes secrets."""

from typing import Any

# Each has an image, a Deployment, a label of this name, and a folder with its sources.
APPS = ("frontend", "backend")
RELEASE = "todo-app"
INGRESS = "todo-app-ingress"

APP_SECRETS = "app-secrets"
KAFKA_SECRETS = "kafka-secrets"
# Credentials of the image registry.
PULL_SECRET = "registry-pull"  # noqa: S105 (a name)
# The Kubernetes secrets whose values pods are given.
POD_SECRETS = (APP_SECRETS, KAFKA_SECRETS, PULL_SECRET)
# The key in `app-secrets` that holds the database's URL as Dapr's state store reads it.
STATE_URL = "state-url"


def labels_of(app: str) -> dict[str, Any]:
    """Return the labels of an app's pods: other people's pods may have the same label `app`."""
    return {"app": app, "app.kubernetes.io/instance": RELEASE}
