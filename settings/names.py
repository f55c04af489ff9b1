"""The parts of the app: each has an image, a Deployment and a label of this name, and a folder with its sources."""

from typing import Any

APPS = ("frontend", "backend")
# The Helm release that they are in, and the Ingress that leads to them.
RELEASE = "todo-app"
INGRESS = "todo-app-ingress"


def labels_of(app: str) -> dict[str, Any]:
    """Those of an app's pods: the namespace may hold other people's, with the same label `app`."""
    return {"app": app, "app.kubernetes.io/instance": RELEASE}
