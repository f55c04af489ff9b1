"""The cluster of a stack: as its updates reach it, and as its deployer does, which may do what a verification needs."""

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

# Not KUBECONFIG, which may lead to the cluster of another stack: a verification there would be of another app.
_GIVEN = "DELIVERY_KUBECONFIG"
_DEPLOYER = "todo:app:Deployer"
_SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 (a type)


def client(name: str) -> Client:
    """A client for the stack's deployer, or for the kubeconfig that DELIVERY_KUBECONFIG names or, in base64, holds.

    Raises UserError.
    """
    given = os.environ.get(_GIVEN, "")
    try:
        return kubeconfig.read(_decoded(given) or given or deployer(name)).client()
    except kubeconfig.KubeconfigError as error:
        where = _GIVEN if given else f"The deployer of stack {name}"
        mended = f"unset {_GIVEN}   for the stack's own" if given else f"pulumi up --stack {name}"
        raise UserError(f"{where} leads to no cluster: {error}.\n    {mended}") from None


def deployer(name: str) -> str:
    """The kubeconfig of a stack's deployer, with its token: not to be printed.

    Made from the state, as no output of the stack may hold a secret. Raises UserError.
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
    raise UserError(f"Stack {name} has no deployer yet.\n    pulumi up --stack {name}")


def of_provider(name: str, inputs: Mapping[str, Any]) -> Kubeconfig:
    """The way to a cluster with which a stack declares its Kubernetes provider.

    inputs: the provider's, decrypted. Raises UserError, without them.
    """
    try:
        return exec_plugin.read(inputs.get("kubeconfig", ""), inputs.get("context"))
    except kubeconfig.KubeconfigError as error:
        raise UserError(f"The kubeconfig in the state of stack {name} is of no use: {error}") from None


def _decoded(given: str) -> str:
    """The text that base64 stands for; empty for what is a path."""
    try:
        text = base64.b64decode("".join(given.split()), validate=True).decode()
    except ValueError:
        return ""
    # A path may be base64 by chance, but never that of a kubeconfig.
    return text if "clusters" in text else ""
