"""A cluster that exists already: its identity, and the provider for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import pulumi
import pulumi_kubernetes as kubernetes
from lightkube import ApiError
from lightkube.resources.core_v1 import Namespace

from components.cluster.namespace import OWNER_LABEL
from components.cluster.protocol import kubernetes_provider
from kube.errors import translate_errors
from kube.kubeconfig import Kubeconfig
from kube.objects import labels, name, uid

# Set later it would replace every resource.
_IF_FORBIDDEN = "set clusterIdentifier for such an identity, but only before the first update"


@dataclass(frozen=True)
class ClusterIdentity:
    """The cluster, apart from its certificates and addresses, and the owners of its namespaces."""

    uid: str
    stack: str
    """The stack that deploys."""
    namespaces: Mapping[str, str | None] | None
    """The stack that declared each existing namespace, if one did; None if namespaces cannot be listed."""

    def owner_of(self, namespace: str) -> str | None:
        """Return the stack if the namespace is missing or its own, else None."""
        if self.namespaces is None or self.namespaces.get(namespace, self.stack) != self.stack:
            return None
        return self.stack

    def other_stack_of(self, namespace: str) -> str | None:
        """Return the other stack that declared this namespace, if one did."""
        owner = (self.namespaces or {}).get(namespace)
        return None if owner == self.stack else owner


def identify(kubeconfig: Kubeconfig, *, named: str | None, stack: str) -> ClusterIdentity:
    """Return a cluster's identity: `named` if the settings name it, else the UID of kube-system, which never changes.

    The credentials for a named cluster may lack the permission to list namespaces.
    Raises ClusterError, within the client's 10 seconds.
    """
    with translate_errors(kubeconfig, _IF_FORBIDDEN):
        try:
            namespaces = {name(item) or "": item for item in kubeconfig.client().list(Namespace)}
        except ApiError as error:
            if named and error.response.status_code == HTTPStatus.FORBIDDEN:
                return ClusterIdentity(named, stack, namespaces=None)
            raise
        identifier = named or uid(namespaces["kube-system"]) or ""
    return ClusterIdentity(identifier, stack, {key: labels(item).get(OWNER_LABEL) for key, item in namespaces.items()})


@dataclass(frozen=True)
class ExistingClusterArgs:
    """Arguments of ExistingCluster."""

    kubeconfig: Kubeconfig
    """The cluster and the identity that deploys."""
    identity: ClusterIdentity


class ExistingCluster(pulumi.ComponentResource):
    """A cluster that somebody else made: the stack changes nothing about it, and deploys through its `provider`."""

    provider: kubernetes.Provider
    kubeconfig: pulumi.Output[Kubeconfig]
    api_cidr: None = None
    load_balancer_group: None = None

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:cluster:ExistingCluster", name, opts=opts)
        self._identity, self._kubectl = args.identity, args.kubeconfig.kubectl
        self.kubeconfig = pulumi.Output.from_input(args.kubeconfig)
        source = args.kubeconfig.source
        self.provider = kubernetes_provider(
            name,
            kubeconfig=source if args.kubeconfig.is_path else pulumi.Output.secret(source),
            context=args.kubeconfig.context,
            identifier=args.identity.uid,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"identifier": args.identity.uid})

    def owner_of(self, namespace: str) -> str | None:
        """Return the stack if the namespace is missing or its own, else None."""
        if other := self._identity.other_stack_of(namespace):
            pulumi.log.warn(
                f"Namespace {namespace} belongs to stack {other}; this stack only uses it. "
                f"If this stack was renamed from {other}, take it over:\n"
                f"hint: {self._kubectl} label namespace {namespace} {OWNER_LABEL}={self._identity.stack} --overwrite",
                self,
            )
        return self._identity.owner_of(namespace)
