"""Kubeconfigs whose credential is this repository's exec plug-in."""

from dataclasses import replace

from kube import kubeconfig
from kube.kubeconfig import Kubeconfig
from oke import PLUGIN


def read(source: str, context: str | None = None) -> Kubeconfig:
    """Read a kubeconfig as `kube.kubeconfig.read` does; where it has the plug-in, kubectl takes it from `delivery`.

    Raises KubeconfigError.
    """
    found = kubeconfig.read(source, context)
    plugin = found.config.user.exec if found.config.user else None
    arguments = (plugin and plugin.args) or []
    if found.is_path or PLUGIN not in arguments:
        return found
    # The plug-in has the options of the command that prints the kubeconfig.
    options = " ".join(arguments[arguments.index(PLUGIN) + 1 :])
    return replace(found, kubectl=f"kubectl --kubeconfig <(python -m delivery kubeconfig {options})")
