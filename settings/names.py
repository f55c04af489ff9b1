"""Fixed names of the app: its services, its Helm release and its Kubernetes secrets."""

from typing import Any

# Each is the name of an image, a Deployment, a label and a folder of sources.
APPS = ("frontend", "backend")
RELEASE = "todo-app"
INGRESS = "todo-app-ingress"

APP_SECRETS = "app-secrets"
KAFKA_SECRETS = "kafka-secrets"
# Credentials of the image registry.
PULL_SECRET = "registry-pull"  # noqa: S105 (a name)
# The Kubernetes secrets whose values reach pods.
POD_SECRETS = (APP_SECRETS, KAFKA_SECRETS, PULL_SECRET)
# The key of APP_SECRETS with the database's URL for Dapr's state store.
STATE_URL = "state-url"


def labels_of(app: str) -> dict[str, Any]:
    """Return the labels of a service's pods: pods of others may have the same label `app`."""
    return {"app": app, "app.kubernetes.io/instance": RELEASE}
