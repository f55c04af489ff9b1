"""The deployer in a stack's state."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import yaml

from tests.support import example, oci_api

STACK = "urn:pulumi:oke::todo-oke"
CLUSTER = f"{STACK}::pulumi:providers:kubernetes::cluster"
ACCESS = f"{STACK}::todo:app:Deployer::todo-app-deployer"
TOKEN = f"{STACK}::todo:app:Deployer$kubernetes:core/v1:Secret::todo-app-deployer-token"
AUTHORITY = base64.b64encode(oci_api.certificate()).decode()


def state(server: str, *, kubeconfig: str | None = None) -> list[dict[str, Any]]:
    """Return a state with a deployer, whose token is `canary-token`, and with other resources.

    kubeconfig: of the stack's provider, by default an administrator's.
    """
    administrator = yaml.safe_dump(example.kubeconfig(server, user={"token": "canary-administrator"}))
    provider = {"kubeconfig": secret(kubeconfig or administrator), "clusterIdentifier": "uid"}
    of_app = {"type": "Opaque", "metadata": {"name": "app-secrets", "namespace": "todo"}}
    return [
        {"urn": f"{STACK}::pulumi:pulumi:Stack::todo-oke-oke", "type": "pulumi:pulumi:Stack", "outputs": {}},
        {"urn": f"{STACK}::pulumi:providers:other::other", "type": "pulumi:providers:other", "id": "1", "inputs": {}},
        {"urn": CLUSTER, "type": "pulumi:providers:kubernetes", "id": "4711", "inputs": provider},
        {"urn": ACCESS, "type": "todo:app:Deployer", "outputs": {}},
        {
            "urn": f"{STACK}::todo:app:AppSecrets$kubernetes:core/v1:Secret::app-secrets",
            "type": "kubernetes:core/v1:Secret",
            "parent": f"{STACK}::todo:app:AppSecrets::app-secrets",
            "provider": f"{CLUSTER}::4711",
            "inputs": of_app,
            "outputs": {**of_app, "data": secret({"token": "Y2FuYXJ5LWFwcA=="})},
        },
        token("canary-token"),
    ]


def token(value: str, **state: Any) -> dict[str, Any]:
    """Return the Kubernetes Secret of a token; state: more of its fields in the state."""
    inputs = {
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "todo-app-deployer-token", "namespace": "todo"},
    }
    # A secret may hold another.
    data = {"ca.crt": AUTHORITY, "token": secret(base64.b64encode(value.encode()).decode())}
    return {
        "urn": TOKEN,
        "type": "kubernetes:core/v1:Secret",
        "parent": ACCESS,
        "provider": f"{CLUSTER}::4711",
        "inputs": inputs,
        "outputs": {**inputs, "data": secret(data)},
        **state,
    }


def secret(value: object) -> Mapping[str, str]:
    """Return a secret as a decrypted state has it."""
    return {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "plaintext": json.dumps(value),
    }
