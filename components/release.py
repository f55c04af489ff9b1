"""The app's Helm release: what a merge changes every day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from lightkube.resources.networking_v1 import Ingress

from components.chart import digest
from components.cluster import told
from components.drift import deployed_record, find_drift
from components.kubeconfig import Kubeconfig
from components.rollout import rollout_hooks

RELEASE = "todo-app"
INGRESS = "todo-app-ingress"


@dataclass(frozen=True)
class AppReleaseArgs:
    """chart: the chart's folder; values_file: the stack's chart values.

    timeout_seconds: how long the release may take to become ready before it takes itself back.
    frontend_image, backend_image: references with a tag or a digest.
    secret_checksums: by secret's name; one that changes rolls the pods that use the secret.
    host: the ingress's host name, or empty for what the values file says.
    database_port, kafka_ports, tracing_port: the TCP ports outside of the cluster that network policies let the backend
        reach; tracing_port is 0 where no traces are sent.
    dapr_namespace: where they let its sidecar reach the control plane.
    kafka_topic: where the backend publishes its events.
    kubeconfig: the cluster, to tell why a release does not become ready.
    """

    namespace: pulumi.Input[str]
    chart: Path
    values_file: Path
    timeout_seconds: int
    frontend_image: pulumi.Input[str]
    backend_image: pulumi.Input[str]
    secret_checksums: Mapping[str, str]
    host: str
    database_port: int
    kafka_ports: Sequence[int]
    tracing_port: int
    dapr_namespace: pulumi.Input[str]
    kafka_topic: str
    kubeconfig: pulumi.Input[Kubeconfig]


class AppRelease(pulumi.ComponentResource):
    """The Helm release `todo-app`: it waits until every pod is ready, else takes itself back and names the cause.

    name: Helm's name for it; revision: Helm's number for its present state.
    endpoint: the host name or address at which the ingress answers; empty until the cluster gives it one.
    """

    name: pulumi.Output[str | None]
    endpoint: pulumi.Output[str]
    revision: pulumi.Output[int]

    def __init__(self, name: str, args: AppReleaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:release:AppRelease", name, opts=opts)
        release = kubernetes.helm.v3.Release(
            name,
            name=RELEASE,
            namespace=args.namespace,
            chart=str(args.chart),
            description=pulumi.Output.all(
                args.kubeconfig, args.namespace, f"chart sha256:{digest(args.chart)[:16]}"
            ).apply(lambda known: _description(*known)),
            value_yaml_files=[pulumi.FileAsset(str(args.values_file))],
            values=_values(args),
            atomic=True,
            cleanup_on_fail=True,
            wait_for_jobs=True,
            timeout=args.timeout_seconds,
            max_history=10,
            opts=pulumi.ResourceOptions(parent=self, hooks=rollout_hooks(name, args.kubeconfig, RELEASE, told_on=self)),
        )
        self.name = release.name
        self.revision = release.status.revision
        self.endpoint = (
            pulumi.Output.from_input(args.host)
            if args.host
            else pulumi.Output.all(args.kubeconfig, args.namespace, release.status).apply(
                lambda known: _ingress_address(known[0], known[1])
            )
        )
        self.register_outputs({"name": self.name, "revision": self.revision, "endpoint": self.endpoint})


def _values(args: AppReleaseArgs) -> Mapping[str, Any]:
    values: dict[str, Any] = {
        "frontend": {"image": args.frontend_image},
        "backend": {"image": args.backend_image, "secretChecksums": dict(args.secret_checksums)},
        "dapr": {"topic": args.kafka_topic},
        "networkPolicy": {
            "databasePort": args.database_port,
            "kafkaPorts": args.kafka_ports,
            "tracingPort": args.tracing_port,
            "daprNamespace": args.dapr_namespace,
        },
    }
    if args.host:
        values["ingress"] = {"host": args.host}
    return values


async def _description(kubeconfig: Kubeconfig, namespace: str, chart: str) -> str:
    """The revision's description in Helm's history, and what makes it a change that the provider would not see.

    The provider compares values and versions, neither the templates nor the live objects: the chart's digest makes an
    edit of a template a change, and the names of objects that were changed by hand make that one.
    """
    with told(kubeconfig):
        client = kubeconfig.async_client()
        record = await deployed_record(client, namespace, RELEASE)
        if record is None:
            return chart
        drifted = await find_drift(client, namespace, record.manifest)
    if drifted:
        return f"{chart}, sets back what was changed by hand after revision {record.revision}: {', '.join(drifted)}"
    # Said once and kept, or to stop saying it would be a change again.
    return record.description if record.description.startswith(chart) else chart


async def _ingress_address(kubeconfig: Kubeconfig, namespace: str) -> str:
    # Read here because an Ingress.get of the provider fails until the cluster has given it an address.
    with told(kubeconfig):
        ingress = await kubeconfig.async_client().get(Ingress, INGRESS, namespace=namespace)
    balancer = ingress.status and ingress.status.loadBalancer
    points = (balancer and balancer.ingress) or []
    return next((point.hostname or point.ip or "" for point in points), "")
