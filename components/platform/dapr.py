"""Dapr's control plane, which belongs to the platform."""

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
    """chart: OFFICIAL_CHART for Dapr's own repository, else the path of a folder with the chart.

    version: of the control plane and the sidecars, as in 1.15.4.
    definitions: the manifests of the custom resource definitions of that version, by name.
    namespace: the control plane's own, which exists.
    scheduler: whether the scheduler runs; on OKE its three volume claims become 50 GB each.
    protect: whether it refuses to be deleted, which would delete every Dapr component with it.
    """

    chart: str
    version: str
    definitions: Mapping[str, dict[str, Any]]
    namespace: pulumi.Input[str]
    scheduler: bool
    protect: bool


class DaprControlPlane(pulumi.ComponentResource):
    """The Dapr control plane as a Helm release, after its custom resource definitions.

    Helm never upgrades the definitions of a chart (https://helm.sh/docs/chart_best_practices/custom_resource_definitions/),
    so they are resources of their own, as Dapr's upgrade guide has it
    (https://docs.dapr.io/operations/hosting/kubernetes/kubernetes-production/#upgrade-dapr-with-helm).
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: DaprControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:platform:DaprControlPlane", name, opts=opts)
        self.namespace = pulumi.Output.from_input(args.namespace)
        definitions = [
            Manifest(
                definition,
                _with_webhook_namespace(manifest, args.namespace),
                pulumi.ResourceOptions(parent=self, protect=args.protect),
            )
            for definition, manifest in args.definitions.items()
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
            values=_control_plane_values(args),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                depends_on=definitions,
                delete_before_replace=True,  # in another namespace its cluster roles have the same names
            ),
        )
        self.register_outputs({"namespace": self.namespace})


def _with_webhook_namespace(definition: dict[str, Any], namespace: pulumi.Input[str]) -> Mapping[str, Any]:
    # The chart leaves a placeholder that the operator replaces at its start; declared as such it would be put back by
    # the first `up` after a refresh.
    declared = deepcopy(definition)
    webhook = declared["spec"].get("conversion", {}).get("webhook")
    if webhook is not None:
        webhook["clientConfig"]["service"]["namespace"] = namespace
    return declared


def _control_plane_values(args: DaprControlPlaneArgs) -> Mapping[str, Any]:
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
        # Whose pod was made while the injector was away, such as on a drained node, gets its sidecar by another pod.
        "dapr_operator": {"resources": resources, "watchInterval": "30s"},
        "dapr_placement": {"resources": resources},
        "dapr_sentry": {"resources": resources},
        # Else the default account of the namespace `default` may read every secret in it.
        "dapr_rbac": {"secretReader": {"enabled": False}},
        # What Pod Security `restricted` asks of every container, so of the sidecar too.
        "dapr_sidecar_injector": {"resources": resources, "sidecarDropALLCapabilities": True},
    }
