"""The cluster of a stack, as a verification reaches it: with what the deployer may do, where nobody chose otherwise."""

import base64
import os

from lightkube import Client

from components import kubeconfig
from delivery import CommandError, stack


def client(name: str) -> Client:
    """A client for the kubeconfig that KUBECONFIG names or, in base64, holds; else for the stack's own deployer's.

    Raises CommandError.
    """
    given = os.environ.get("KUBECONFIG", "")
    try:
        source = _decoded(given) or given or stack.secret_output(name, "deployerKubeconfig")
        return kubeconfig.read(source, "").client()
    except kubeconfig.KubeconfigError as error:
        where = "KUBECONFIG" if given else f"The output deployerKubeconfig of stack {name}"
        mended = "unset KUBECONFIG   for the stack's own" if given else f"pulumi up --stack {name}"
        raise CommandError(f"{where} leads to no cluster: {error}.\n    {mended}") from None


def _decoded(given: str) -> str:
    """The text that base64 stands for; empty for what is a path."""
    try:
        text = base64.b64decode("".join(given.split()), validate=True).decode()
    except ValueError:
        return ""
    # A path may be base64 by chance, but never that of a kubeconfig.
    return text if "clusters" in text else ""
