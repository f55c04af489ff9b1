"""The deployer of a stack, as the stack's state has it."""

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


def state(server: str, *, reached_by: str = "") -> list[dict[str, Any]]:
    """The resources of a state that matter to its deployer, whose token is `canary-token`, and some that do not.

    reached_by: the kubeconfig of the stack's own provider, that of an administrator at the server where it is empty.
    """
    administrator = yaml.safe_dump(example.kubeconfig(server, user={"token": "canary-administrator"}))
    provider = {"kubeconfig": secret(reached_by or administrator), "clusterIdentifier": "uid"}
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
    """The Kubernetes secret of a token; state: what else the engine notes of it."""
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
    """A secret as the engine decrypts it into an exported state."""
    return {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "plaintext": json.dumps(value),
    }
