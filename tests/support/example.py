"""An example of a stack: settings that are complete and valid, with a canary in every secret."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kube.kubeconfig import Kubeconfig, read

PROJECT_FOLDER = Path(__file__).parents[2]

# Part of every secret value, so that a text without it holds none of them.
CANARY = "canary"

SECRETS: Mapping[str, str] = {
    "cohereApiKey": "canary-cohere",
    "betterAuthSecret": "canary-better-auth-0123456789abcdef",
    "databaseUrl": "postgresql://todo:canary-database@db.example.com/todo",
    "kafkaUsername": "canary-user",
    "kafkaPassword": "canary-password",
}

# Of each key in Pulumi.yaml: type, default and description.
DECLARED: Mapping[str, Mapping[str, str]] = yaml.safe_load((PROJECT_FOLDER / "Pulumi.yaml").read_text())["config"]

# What the engine hands to the program of a stack that sets no more than it must.
CONFIG: Mapping[str, str] = {
    **{key: declared["default"] for key, declared in DECLARED.items()},
    **SECRETS,
    "kubeconfig": "kubeconfig",
    "valuesFile": "values.yaml",
    "frontendImage": "ghcr.io/example/todo-frontend:sha-1a2b3c4",
    "backendImage": f"ghcr.io/example/todo-backend@sha256:{'5e' * 32}",
    "kafkaBrokers": "broker.example.com:9092",
}

# Dapr's custom resource definitions, as far as the program looks at them.
_WEBHOOK = {"clientConfig": {"service": {"namespace": "replaceme", "name": "dapr-webhook", "path": "/convert"}}}
DEFINITIONS: Mapping[str, dict[str, Any]] = {
    f"{name}.dapr.io": {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{name}.dapr.io"},
        "spec": {"group": "dapr.io", **({"conversion": {"webhook": _WEBHOOK}} if name == "subscriptions" else {})},
    }
    for name in ("components", "configurations", "httpendpoints", "resiliencies", "subscriptions")
}


def cluster(server: str, **changes: Mapping[str, Any] | None) -> Kubeconfig:
    """Return the kubeconfig of this server; changes: arguments of `kubeconfig`."""
    return read(yaml.safe_dump(kubeconfig(server, **changes)))


def kubeconfig(
    server: str = "https://cluster.example.com:6443",
    *,
    user: Mapping[str, Any] | None = None,
    cluster: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A kubeconfig with one context, `example`, which is current, and its token or what else the user is to have."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "user", "user": user or {"token": "canary-token"}}],
        "contexts": [{"name": "example", "context": {"cluster": "cluster", "user": "user"}}],
        "current-context": "example",
    }
