"""The app's Helm release: what a merge changes every day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pulumi
import pulumi_kubernetes as kubernetes
import yaml
from lightkube import ApiError, AsyncClient
from lightkube.resources.networking_v1 import Ingress

from components.cluster.protocol import Cluster
from components.errors import as_run_errors
from kube.drift import find_drift
from kube.errors import translate_errors
from kube.helm import Revision, deployed_record, last_revision
from kube.kubeconfig import Kubeconfig
from kube.objects import load_balancer_address
from kube.rollout.hooks import rollout_hooks
from settings.chart import digest
from settings.names import APP_SECRETS, INGRESS, KAFKA_SECRETS, RELEASE
from system.errors import UserError


@dataclass(frozen=True)
class AppIngressArgs:
    """The way to the app; the values file decides where an argument is None."""

    host: str | None
    class_name: str | None
    """The class of the ingress controller."""
    namespace: pulumi.Input[str] | None
    """The namespace of the ingress controller."""
    tls_issuer: str | None
    """The cert-manager issuer in the app's namespace; None for plain HTTP or the values file's own TLS secret."""
    address: pulumi.Input[str]
    """The address of the ingress controller; empty until the cluster assigns one."""
    served_by: Sequence[pulumi.Resource] = ()
    """Resources that must exist as long as the app's Ingress does."""


@dataclass(frozen=True)
class AppReleaseArgs:
    """Arguments of AppRelease."""

    cluster: Cluster
    namespace: pulumi.Input[str]
    chart: Path
    """The chart's folder."""
    values_file: Path
    """The stack's own chart values."""
    timeout_seconds: int
    """Time for every pod to become ready, before Helm rolls the release back."""
    frontend_image: pulumi.Input[str]
    backend_image: pulumi.Input[str]
    pull_secrets: Sequence[pulumi.Input[str]]
    """Names of the secrets with which nodes pull the images."""
    before: Sequence[pulumi.ResourceHook]
    """Hooks that run before the release is created or updated; an exception stops it."""
    secret_checksums: Mapping[str, str]
    """Checksums by secret; a changed one restarts the pods that use the secret."""
    ingress: AppIngressArgs
    database_port: int
    """Network policies let the backend reach this TCP port outside the cluster, and the next two."""
    kafka_ports: Sequence[int]
    tracing_port: int
    """0 if no traces are sent."""
    dapr_namespace: pulumi.Input[str]
    """The namespace of the Dapr control plane, which network policies let the sidecar reach."""
    kafka_topic: str
    """The topic of the backend's events."""
    dapr_checksum: pulumi.Input[str]
    """Checksum of the sidecar's start-up configuration; a changed one restarts the backend's pods."""


class AppRelease(pulumi.ComponentResource):
    """The Helm release `todo-app`: it waits until every pod is ready, else takes itself back and names the cause.

    name: Helm's name for it; revision: Helm's number for its present state.
    endpoint: the host name or address at which the ingress answers; empty until the cluster gives it one.
    url: the app's address for a browser; empty while there is no endpoint.
    """

    name: pulumi.Output[str | None]
    endpoint: pulumi.Output[str]
    url: pulumi.Output[str]
    revision: pulumi.Output[int]

    def __init__(self, name: str, args: AppReleaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:app:AppRelease", name, opts=opts)
        hooks = rollout_hooks(
            args.cluster.kubeconfig, RELEASE, (APP_SECRETS, KAFKA_SECRETS), resource=self, before=args.before
        )
        release = kubernetes.helm.v3.Release(
            name,
            name=RELEASE,
            namespace=args.namespace,
            chart=str(args.chart),
            description=pulumi.Output.all(
                args.cluster.kubeconfig, args.namespace, f"chart sha256:{digest(args.chart)[:16]}"
            ).apply(lambda known: _description(*known)),
            value_yaml_files=[pulumi.FileAsset(str(args.values_file))],
            values=_values(args),
            atomic=True,
            cleanup_on_fail=True,
            wait_for_jobs=True,
            timeout=args.timeout_seconds,
            max_history=10,
            opts=pulumi.ResourceOptions(parent=self, hooks=hooks, depends_on=args.ingress.served_by),
        )
        self.name = release.name
        self.revision = release.status.revision
        self.endpoint = (
            pulumi.Output.from_input(args.ingress.host)
            if args.ingress.host
            else pulumi.Output.all(args.ingress.address, args.cluster.kubeconfig, args.namespace, release.status).apply(
                lambda known: known[0] or _ingress_address(known[1], known[2])
            )
        )
        scheme = "https" if args.ingress.tls_issuer or _names_tls_secret(args.values_file) else "http"
        self.url = self.endpoint.apply(lambda endpoint: f"{scheme}://{endpoint}" if endpoint else "")
        self.register_outputs({"name": self.name, "revision": self.revision, "url": self.url})


def _values(args: AppReleaseArgs) -> Mapping[str, Any]:
    ingress: dict[str, Any] = {"host": args.ingress.host, "className": args.ingress.class_name}
    if args.ingress.tls_issuer:
        ingress["tls"] = {"secretName": f"{RELEASE}-tls"}
        ingress["annotations"] = {"cert-manager.io/issuer": args.ingress.tls_issuer}
    policy = {
        "databasePort": args.database_port,
        "kafkaPorts": args.kafka_ports,
        "tracingPort": args.tracing_port,
        "daprNamespace": args.dapr_namespace,
        "ingressNamespace": args.ingress.namespace,
        "apiServer": {"cidr": args.cluster.api_cidr} if args.cluster.api_cidr else None,
    }
    return {
        # Below Helm's own: whatever is late then fails with its reason, and not by a bare time-out.
        "deadlineSeconds": args.timeout_seconds * 4 // 5,
        "frontend": {"image": args.frontend_image},
        "backend": {"image": args.backend_image, "secretChecksums": dict(args.secret_checksums)},
        "dapr": {"topic": args.kafka_topic, "checksum": args.dapr_checksum},
        "networkPolicy": _without_empty(policy),
        **_without_empty({"imagePullSecrets": args.pull_secrets, "ingress": _without_empty(ingress)}),
    }


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    # The values file decides what is left out. Neither a zero nor an output is empty.
    return {key: value for key, value in values.items() if value not in (None, [], {})}


def _names_tls_secret(values_file: Path) -> bool:
    values = cast("dict[str, Any]", yaml.safe_load(values_file.read_text()))
    return bool(values.get("ingress", {}).get("tls", {}).get("secretName"))


async def _description(kubeconfig: Kubeconfig, namespace: str, chart: str) -> str:
    """The revision's description in Helm's history, and what makes it a change that the provider would not see.

    The provider compares values and versions, neither the templates nor the live objects: the chart's digest makes an
    edit of a template a change, and the names of objects that were changed by hand make that one.
    """
    with as_run_errors(), translate_errors(kubeconfig):
        client = kubeconfig.async_client()
        newest = await last_revision(client, namespace, RELEASE)
    with as_run_errors():
        _require_finished(newest)
    with as_run_errors(), translate_errors(kubeconfig):
        record = await deployed_record(client, namespace, RELEASE)
        if record is None:
            return chart
        drifted = await _drift(client, namespace, record.manifest)
    if drifted:
        return f"{chart}, sets back what was changed by hand after revision {record.revision}: {', '.join(drifted)}"
    # Said once and kept, or to stop saying it would be a change again.
    return record.description if record.description.startswith(chart) else chart


async def _drift(client: AsyncClient, namespace: str, manifest: str) -> list[str]:
    try:
        return await find_drift(client, namespace, manifest)
    except ApiError as error:
        # To ask what applying again would change takes the permission to do so, which who previews may well lack.
        if not (pulumi.runtime.is_dry_run() and "cannot patch" in str(error)):
            raise
        pulumi.log.warn(f"What was changed by hand in the release {RELEASE} is not in this preview: {error}")
        return []


def _require_finished(revision: Revision | None) -> None:
    # Helm refuses then, with less to go by, and only after the update has changed all that comes before a release.
    if revision and revision.pending:
        stack = pulumi.get_stack()
        raise UserError(
            f"The release {RELEASE} is in the middle of {revision.pending} since {revision.since:%Y-%m-%d %H:%M:%S} "
            f"UTC: wait if an update of stack {stack} is running.\n"
            f"    python -m delivery recover --stack {stack}   mends it where none is"
        )


async def _ingress_address(kubeconfig: Kubeconfig, namespace: str) -> str:
    # Read here because an Ingress.get of the provider fails until the cluster has given it an address.
    with as_run_errors(), translate_errors(kubeconfig):
        ingress = await kubeconfig.async_client().get(Ingress, INGRESS, namespace=namespace)
    return load_balancer_address(ingress) or ""
