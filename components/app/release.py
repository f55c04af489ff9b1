"""The app's Helm release, which each delivery changes."""

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
    """The app's Ingress; the values file decides where an argument is None."""

    host: str | None
    class_name: str | None
    namespace: pulumi.Input[str] | None  # of the ingress controller
    tls_issuer: str | None  # cert-manager's issuer in the app's namespace
    address: pulumi.Input[str]  # of the ingress controller; empty until the cluster assigns one
    served_by: Sequence[pulumi.Resource] = ()  # resources that must exist as long as the app's Ingress does


@dataclass(frozen=True)
class AppReleaseArgs:
    """Arguments of AppRelease."""

    cluster: Cluster
    namespace: pulumi.Input[str]
    chart: Path  # the chart's folder
    values_file: Path  # the stack's own chart values
    timeout_seconds: int  # for every pod to become ready, before Helm rolls back
    frontend_image: pulumi.Input[str]
    backend_image: pulumi.Input[str]
    pull_secrets: Sequence[pulumi.Input[str]]  # names of the secrets with which nodes pull the images
    before: Sequence[pulumi.ResourceHook]  # hooks that can stop the release by an exception
    secret_checksums: Mapping[str, str]  # by secret; a new one restarts the pods that use the secret
    ingress: AppIngressArgs
    database_port: int  # network policies let the backend reach these TCP ports outside the cluster
    kafka_ports: Sequence[int]
    tracing_port: int  # 0 if no traces are sent
    dapr_namespace: pulumi.Input[str]  # of the control plane
    kafka_topic: str
    dapr_checksum: pulumi.Input[str]  # of the sidecar's configuration; a new one restarts the backend's pods


class AppRelease(pulumi.ComponentResource):
    """The app's Helm release: it waits until every pod is ready, else it rolls back and reports the cause."""

    name: pulumi.Output[str | None]  # Helm's name of the release
    revision: pulumi.Output[int]
    endpoint: pulumi.Output[str]  # host name or address of the app; empty until the cluster assigns one
    url: pulumi.Output[str]  # for a browser; empty without an endpoint

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
        # Less than Helm's timeout: a late pod then fails with its own reason.
        "deadlineSeconds": args.timeout_seconds * 4 // 5,
        "frontend": {"image": args.frontend_image},
        "backend": {"image": args.backend_image, "secretChecksums": dict(args.secret_checksums)},
        "dapr": {"topic": args.kafka_topic, "checksum": args.dapr_checksum},
        "networkPolicy": _without_empty(policy),
        **_without_empty({"imagePullSecrets": args.pull_secrets, "ingress": _without_empty(ingress)}),
    }


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    # The values file decides the rest. Neither a zero nor an output is empty.
    return {key: value for key, value in values.items() if value not in (None, [], {})}


def _names_tls_secret(values_file: Path) -> bool:
    values = cast("dict[str, Any]", yaml.safe_load(values_file.read_text()))
    return bool(values.get("ingress", {}).get("tls", {}).get("secretName"))


async def _description(kubeconfig: Kubeconfig, namespace: str, chart: str) -> str:
    """Return the revision's description in Helm's history, which makes changes visible to the provider.

    The provider compares values and versions only. The chart's digest makes an edited template a change, and the names
    of objects with manual changes make drift one.
    """
    with as_run_errors():
        with translate_errors(kubeconfig):
            client = kubeconfig.async_client()
            newest = await last_revision(client, namespace, RELEASE)
        _require_finished(newest)
        with translate_errors(kubeconfig):
            record = await deployed_record(client, namespace, RELEASE)
            drifted = await _drift(client, namespace, record.manifest) if record else []
    if record is None:
        return chart
    if drifted:
        return f"{chart}, reverts manual changes after revision {record.revision}: {', '.join(drifted)}"
    # An old note of reverted changes stays, or its removal would be a change.
    return record.description if record.description.startswith(chart) else chart


async def _drift(client: AsyncClient, namespace: str, manifest: str) -> list[str]:
    try:
        return await find_drift(client, namespace, manifest)
    except ApiError as error:
        # The dry run needs the permission to patch, which a previewing identity may lack.
        if not (pulumi.runtime.is_dry_run() and "cannot patch" in str(error)):
            raise
        pulumi.log.warn(f"This preview does not show manual changes to the release {RELEASE}: {error}")
        return []


def _require_finished(revision: Revision | None) -> None:
    # Helm would refuse later, with a poorer message, when the update has changed everything before the release.
    if revision and revision.pending:
        stack = pulumi.get_stack()
        raise UserError(
            f"The release {RELEASE} is in the middle of {revision.pending} since {revision.since:%Y-%m-%d %H:%M:%S} "
            f"UTC: wait if an update of stack {stack} is running, otherwise recover the stack.",
            f"python -m delivery recover --stack {stack}",
        )


async def _ingress_address(kubeconfig: Kubeconfig, namespace: str) -> str:
    # The provider's own Ingress.get fails until the cluster has assigned an address.
    with as_run_errors(), translate_errors(kubeconfig):
        ingress = await kubeconfig.async_client().get(Ingress, INGRESS, namespace=namespace)
    return load_balancer_address(ingress) or ""
