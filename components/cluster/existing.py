"""The cluster that the app is delivered to: who it is, and one explicit Kubernetes provider for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import pulumi
import pulumi_kubernetes as kubernetes
from lightkube import ApiError
from lightkube.resources.core_v1 import Namespace

from components.cluster.namespace import OWNER_LABEL
from kube.errors import translate_errors
from kube.kubeconfig import Kubeconfig


@dataclass(frozen=True)
class ClusterIdentity:
    """uid: which cluster it is, whatever becomes of its certificates and addresses.

    stack: the stack that asks.
    namespaces: of each that exists, the stack that declared it, or empty; None where that is not known.
    """

    uid: str
    stack: str
    namespaces: Mapping[str, str] | None

    def owner_of(self, namespace: str) -> str | None:
        """The stack, where it is to declare this namespace because nobody else did; else None."""
        if self.namespaces is None or self.namespaces.get(namespace, self.stack) != self.stack:
            return None
        return self.stack

    def other_stack_of(self, namespace: str) -> str:
        """Another stack that declared this namespace, or nothing."""
        declared_by = (self.namespaces or {}).get(namespace, "")
        return "" if declared_by == self.stack else declared_by


def identify(kubeconfig: Kubeconfig, *, named: str, stack: str) -> ClusterIdentity:
    """Asks a cluster who it is: the UID of kube-system, which is made with it, unless the settings have `named` it.

    One that is named may hide its namespaces. Raises ClusterError, within the client's 10 seconds, where no API server
    answers or it refuses the identity.
    """
    with translate_errors(kubeconfig):
        try:
            listed = [namespace.metadata for namespace in kubeconfig.client().list(Namespace) if namespace.metadata]
        except ApiError as error:
            if named and error.response.status_code == HTTPStatus.FORBIDDEN:
                return ClusterIdentity(named, stack, namespaces=None)
            raise
        uid = named or next(namespace.uid or "" for namespace in listed if namespace.name == "kube-system")
    declared_by = {namespace.name or "": (namespace.labels or {}).get(OWNER_LABEL, "") for namespace in listed}
    return ClusterIdentity(uid, stack, declared_by)


@dataclass(frozen=True)
class ExistingClusterArgs:
    """kubeconfig: the cluster and the identity that deploys.

    identity: which cluster it is: resources are replaced when its UID changes, and never when only the kubeconfig does.
    """

    kubeconfig: Kubeconfig
    identity: ClusterIdentity


class ExistingCluster(pulumi.ComponentResource):
    """A cluster that somebody else made: nothing of it is changed, everything is deployed through its `provider`.

    api_cidr, load_balancer_group: as an OkeCluster has them; of this one's network nothing is known.
    """

    provider: kubernetes.Provider
    kubeconfig: pulumi.Output[Kubeconfig]
    api_cidr: str = ""
    load_balancer_group: pulumi.Input[str] = ""

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:cluster:ExistingCluster", name, opts=opts)
        self._identity, self._kubectl = args.identity, args.kubeconfig.kubectl
        self.kubeconfig = pulumi.Output.from_input(args.kubeconfig)
        source = args.kubeconfig.source
        self.provider = provider(
            name,
            kubeconfig=source if args.kubeconfig.is_path else pulumi.Output.secret(source),
            context=args.kubeconfig.context,
            identifier=args.identity.uid,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"identifier": args.identity.uid})

    def owner_of(self, namespace: str) -> str | None:
        """The stack, where it is to declare this namespace because nobody else did; else None."""
        if other := self._identity.other_stack_of(namespace):
            pulumi.log.warn(
                f"Namespace {namespace} is of stack {other}, and only used here. Where that was this stack's name:\n"
                f"    {self._kubectl} label namespace {namespace} {OWNER_LABEL}={self._identity.stack} --overwrite",
                self,
            )
        return self._identity.owner_of(namespace)


def provider(
    name: str,
    *,
    kubeconfig: pulumi.Input[str],
    context: str | None,
    identifier: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> kubernetes.Provider:
    """The one Kubernetes provider of a cluster; identifier: which cluster it is, whatever becomes of the kubeconfig."""
    return kubernetes.Provider(
        name,
        kubeconfig=kubeconfig,
        context=context,
        cluster_identifier=identifier,
        # Else a rotated secret is deleted and made anew: missing for a moment, and refused where it is protected.
        enable_secret_mutable=True,
        opts=opts,
    )
