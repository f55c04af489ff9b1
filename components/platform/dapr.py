"""The control plane of Dapr."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.manifest import Manifest
from components.platform import chart_source

_REPOSITORY = "https://dapr.github.io/helm-charts"
_INSTALL_SECONDS = 600  # four images are pulled on a new node


@dataclass(frozen=True)
class DaprControlPlaneArgs:
    """Arguments of DaprControlPlane."""

    chart: str  # OFFICIAL_CHART for Dapr's own repository, else a folder with the chart
    version: str  # of the control plane and the sidecars, such as 1.15.4
    crds: Mapping[str, dict[str, Any]]  # manifests of the version's custom resource definitions, by name
    namespace: pulumi.Input[str]  # exists, for the control plane alone
    scheduler: bool  # run the scheduler; on OKE its three volume claims become 50 GB each
    protect: bool  # refuse deletion, which would delete every Dapr component


class DaprControlPlane(pulumi.ComponentResource):
    """The Dapr control plane as a Helm release, after its custom resource definitions.

    Helm never upgrades a chart's definitions, so they are resources, as Dapr's upgrade guide recommends.
    Sources: https://helm.sh/docs/chart_best_practices/custom_resource_definitions/,
    https://docs.dapr.io/operations/hosting/kubernetes/kubernetes-production/#upgrade-dapr-with-helm
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: DaprControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:platform:DaprControlPlane", name, opts=opts)
        self.namespace = pulumi.Output.from_input(args.namespace)
        child = pulumi.ResourceOptions(parent=self, protect=args.protect)
        crds = [
            Manifest(crd, _with_webhook_namespace(manifest, args.namespace), child)
            for crd, manifest in args.crds.items()
        ]
        kubernetes.helm.v3.Release(
            name,
            name="dapr",
            namespace=args.namespace,
            **chart_source.source(args.chart, "dapr", args.version, _REPOSITORY),
            skip_crds=True,
            atomic=True,
            timeout=_INSTALL_SECONDS,
            max_history=5,
            values=_values(args),
            opts=pulumi.ResourceOptions.merge(
                child,
                # Cluster roles have the same names in another namespace.
                pulumi.ResourceOptions(depends_on=crds, delete_before_replace=True),
            ),
        )
        self.register_outputs({"namespace": self.namespace})


def _with_webhook_namespace(crd: dict[str, Any], namespace: pulumi.Input[str]) -> Mapping[str, Any]:
    # The operator replaces the chart's placeholder when it starts; the first `up` after a refresh would restore it.
    declared = deepcopy(crd)
    webhook = declared["spec"].get("conversion", {}).get("webhook")
    if webhook is not None:
        webhook["clientConfig"]["service"]["namespace"] = namespace
    return declared


def _values(args: DaprControlPlaneArgs) -> Mapping[str, Any]:
    # One replica each: the free tier has two nodes. https://docs.dapr.io/operations/hosting/kubernetes/kubernetes-production/
    resources = {"requests": {"cpu": "25m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
    return {
        "global": {
            "tag": args.version,
            "logAsJson": True,
            "mtls": {"enabled": True},
            "ha": {"enabled": False},
            "scheduler": {"enabled": args.scheduler},
            "seccompProfile": "RuntimeDefault",
        },
        # The watchdog replaces pods created without a sidecar, as when the injector's node is drained.
        "dapr_operator": {"resources": resources, "watchInterval": "30s"},
        "dapr_placement": {"resources": resources},
        "dapr_sentry": {"resources": resources},
        # Otherwise the default account of the namespace `default` can read every secret in it.
        "dapr_rbac": {"secretReader": {"enabled": False}},
        # Pod Security `restricted` requires it of every container.
        "dapr_sidecar_injector": {"resources": resources, "sidecarDropALLCapabilities": True},
    }
