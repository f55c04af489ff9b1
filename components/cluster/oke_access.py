"""Kubeconfigs of OKE clusters, without credentials."""

from datetime import UTC, datetime

import pulumi
import pulumi_oci as oci
import yaml

from kube.kubeconfig import Kubeconfig, build
from oke import PLUGIN
from oke.exec_plugin import read
from oke.kubeconfig import Access, create
from oke.token import API_VERSION


def oke_kubeconfig(cluster_id: pulumi.Input[str], region: str, opts: pulumi.InvokeOutputOptions) -> pulumi.Output[str]:
    """Return the kubeconfig of an OKE cluster's public endpoint as YAML, the same on every machine.

    Its exec plug-in is this repository's: it signs with the caller's own OCI credentials, and works in the project's
    folder, which is the working folder of Pulumi's providers.

    region: such as eu-frankfurt-1. opts: with the provider of that region.
    """
    original = oci.containerengine.get_cluster_kube_config_output(
        cluster_id=cluster_id,
        endpoint="PUBLIC_ENDPOINT",
        token_version="2.0.0",  # noqa: S106 (the version of a format)
        opts=opts,
    )
    return pulumi.Output.all(cluster_id, original.content).apply(lambda known: _kubeconfig(known[0], region, known[1]))


def locate(cluster_ocid: str, region: str) -> Kubeconfig:
    """Return the kubeconfig of an existing cluster. Raises UserError."""
    original = create(Access(cluster_ocid, region), "public", datetime.now(UTC))
    return read(_kubeconfig(cluster_ocid, region, original))


def _kubeconfig(cluster_id: str, region: str, original: str) -> str:
    cluster = yaml.safe_load(original)["clusters"][0]["cluster"]
    plugin = {
        "apiVersion": API_VERSION,
        # By way of PATH: Kubernetes' clients resolve a relative path against the kubeconfig's folder.
        "command": "env",
        "args": [".venv/bin/python", "-m", "delivery", PLUGIN, "--cluster", cluster_id, "--region", region],
        "interactiveMode": "Never",
    }
    return build("oke", {key: cluster[key] for key in ("server", "certificate-authority-data")}, {"exec": plugin})
