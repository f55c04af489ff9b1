"""The cluster that the app is delivered to: who it is, and one explicit Kubernetes provider for it."""

from dataclasses import dataclass

import httpx2
import pulumi
import pulumi_kubernetes as kubernetes
from lightkube import ApiError
from lightkube.core.exceptions import ConfigError
from lightkube.resources.core_v1 import Namespace

from components.kubeconfig import Kubeconfig
from components.namespace import OWNER_LABEL


class ClusterError(pulumi.RunError):
    """A cluster that does not answer, or that refuses the identity; the message is for the user."""


@dataclass(frozen=True)
class ClusterIdentity:
    """uid: which cluster it is, whatever becomes of its certificates and addresses.

    stack: the stack that asks.
    foreign_namespaces: those that exist and that this stack did not declare; None where that is not known.
    """

    uid: str
    stack: str
    foreign_namespaces: frozenset[str] | None

    def owner_of(self, namespace: str) -> str | None:
        """The stack, where it is to declare this namespace because nobody else did; else None."""
        if self.foreign_namespaces is None or namespace in self.foreign_namespaces:
            return None
        return self.stack


def identify(kubeconfig: Kubeconfig, *, named: str, stack: str) -> ClusterIdentity:
    """Asks a cluster who it is, unless the settings have `named` it: by the UID of kube-system, which is made with it.

    Raises ClusterError, within the client's 10 seconds, where no API server answers or it refuses the identity.
    """
    if named:
        return ClusterIdentity(named, stack, foreign_namespaces=None)
    try:
        namespaces = [namespace.metadata for namespace in kubeconfig.client().list(Namespace) if namespace.metadata]
    except ApiError as error:
        raise ClusterError(
            f"The cluster at {kubeconfig.server} refuses context {kubeconfig.context!r}: {error}\n"
            "    pulumi config set clusterIdentifier NAME   where that identity may not list namespaces\n"
            "    pulumi config set context CONTEXT          for another identity"
        ) from None
    except (httpx2.HTTPError, ConfigError, OSError) as error:
        raise ClusterError(
            f"No cluster answers at {kubeconfig.server} (context {kubeconfig.context!r}): {error}\n"
            f"    kubectl --context {kubeconfig.context} get --raw /readyz   shows the same error until it does"
        ) from None
    uid = next(namespace.uid for namespace in namespaces if namespace.name == "kube-system")
    foreign = (namespace for namespace in namespaces if (namespace.labels or {}).get(OWNER_LABEL) != stack)
    return ClusterIdentity(uid or "", stack, frozenset(namespace.name or "" for namespace in foreign))


@dataclass(frozen=True)
class ExistingClusterArgs:
    """kubeconfig: the cluster and the identity that deploys.

    identifier: which cluster it is: resources are replaced when this changes, and never when only the kubeconfig does.
    """

    kubeconfig: Kubeconfig
    identifier: str


class ExistingCluster(pulumi.ComponentResource):
    """A cluster that somebody else made: nothing of it is changed, everything is deployed through its `provider`."""

    provider: kubernetes.Provider

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:cluster:ExistingCluster", name, opts=opts)
        source = args.kubeconfig.source
        self.provider = kubernetes.Provider(
            name,
            kubeconfig=source if args.kubeconfig.is_path else pulumi.Output.secret(source),
            context=args.kubeconfig.context,
            cluster_identifier=args.identifier,
            # Else a rotated secret is deleted and made anew: missing for a moment, and refused where it is protected.
            enable_secret_mutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"identifier": args.identifier})
