"""The cluster of a stack, reached with the credentials of its updates, or with the deployer's, which verify."""

import base64
import os
from collections.abc import Mapping
from typing import Any

from lightkube import Client

from delivery.engine import stack
from kube import kubeconfig
from kube.kubeconfig import Kubeconfig
from oke import exec_plugin
from system.errors import UserError

# Not KUBECONFIG, which may lead to the cluster of another stack, and so verify another app.
_VARIABLE = "DELIVERY_KUBECONFIG"
_DEPLOYER = "todo:app:Deployer"
_SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 (a type)


def client(name: str) -> Client:
    """Return a client for the stack's deployer, or for the kubeconfig in DELIVERY_KUBECONFIG (a path, or base64).

    Raises UserError.
    """
    value = os.environ.get(_VARIABLE)
    try:
        return kubeconfig.read(_decoded(value) or value if value else deployer(name)).client()
    except kubeconfig.KubeconfigError as error:
        source = _VARIABLE if value else f"The kubeconfig of the deployer of stack {name}"
        hint = f"unset {_VARIABLE}" if value else f"pulumi up --stack {name}"
        raise UserError(f"{source} leads to no cluster: {error}.", hint) from None


def deployer(name: str) -> str:
    """Return the kubeconfig of a stack's deployer, with its token: never print it.

    It is made from the state, because no output of the stack may hold a secret. Raises UserError.
    """
    states = stack.decrypted_export(name).get("resources", [])
    current = {state["urn"]: state for state in states if not state.get("delete")}
    for state in current.values():
        parent = current.get(state.get("parent", ""), {})
        data = state.get("outputs", {}).get("data") or {}
        if state["type"] == _SECRET and parent.get("type") == _DEPLOYER and "token" in data:
            server = of_provider(name, current[stack.provider_of(state)]["inputs"]).server
            account = parent["urn"].rpartition("::")[2]
            return kubeconfig.of_service_account(account, state["inputs"]["metadata"]["namespace"], server, data)
    raise UserError(f"Stack {name} has no deployer yet.", f"pulumi up --stack {name}")


def of_provider(name: str, inputs: Mapping[str, Any]) -> Kubeconfig:
    """Return the kubeconfig of a stack's Kubernetes provider.

    inputs: the provider's, decrypted. Raises UserError, without their values.
    """
    try:
        return exec_plugin.read(inputs.get("kubeconfig", ""), inputs.get("context"))
    except kubeconfig.KubeconfigError as error:
        raise UserError(f"The kubeconfig in the state of stack {name} leads to no cluster: {error}.") from None


def _decoded(value: str) -> str | None:
    """Return the kubeconfig that base64 stands for, or None for a path."""
    try:
        text = base64.b64decode("".join(value.split()), validate=True).decode()
    except ValueError:
        return None
    # A path may be base64 by chance, but never of a kubeconfig.
    return text if "clusters" in text else None
