"""The way to an OKE cluster: a kubeconfig without any credential in it."""

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
    """A kubeconfig for the public endpoint of an OKE cluster, as YAML that holds no credential and no path.

    It is the same on every machine: its plug-in is this repository's, with the credentials of whoever runs it, and
    works where the working folder is the project's, as it is for Pulumi's providers.

    region: of the cluster, like eu-frankfurt-1. opts: with the provider of that region.
    """
    written = oci.containerengine.get_cluster_kube_config_output(
        cluster_id=cluster_id,
        endpoint="PUBLIC_ENDPOINT",
        token_version="2.0.0",  # noqa: S106 (the version of a format)
        opts=opts,
    )
    return pulumi.Output.all(cluster_id, written.content).apply(lambda known: _kubeconfig(known[0], region, known[1]))


def locate(cluster_ocid: str, region: str) -> Kubeconfig:
    """The same for a cluster that exists, asked of OCI at once, with the credentials of whoever runs the program.

    Raises UserError.
    """
    written = create(Access(cluster_ocid, region), "public", datetime.now(UTC))
    return read(_kubeconfig(cluster_ocid, region, written))


def _kubeconfig(cluster_id: str, region: str, written: str) -> str:
    cluster = yaml.safe_load(written)["clusters"][0]["cluster"]
    plugin = {
        "apiVersion": API_VERSION,
        # Kubernetes' clients take a path for one that begins where the kubeconfig is, and a name from PATH.
        "command": "env",
        "args": [".venv/bin/python", "-m", "delivery", PLUGIN, "--cluster", cluster_id, "--region", region],
        "interactiveMode": "Never",
    }
    return build("oke", {key: cluster[key] for key in ("server", "certificate-authority-data")}, {"exec": plugin})
