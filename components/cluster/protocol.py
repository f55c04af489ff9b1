"""The Kubernetes cluster that a stack delivers to."""

from typing import Protocol

import pulumi
import pulumi_kubernetes as kubernetes

from kube.kubeconfig import Kubeconfig


class Cluster(Protocol):
    """A cluster with one explicit Kubernetes provider; ExistingCluster and OkeCluster satisfy it."""

    @property
    def provider(self) -> kubernetes.Provider:
        """The provider of every object on the cluster."""
        ...

    @property
    def kubeconfig(self) -> pulumi.Output[Kubeconfig]:
        """The API server and the identity that deploys."""
        ...

    @property
    def api_cidr(self) -> str | None:
        """The IPv4 block of the API server as pods see it; None where the network is unknown."""
        ...

    @property
    def load_balancer_group(self) -> pulumi.Output[str] | None:
        """The OCID of the network security group for load balancers; None where the network is unknown."""
        ...

    def owner_of(self, namespace: str) -> str | None:
        """Return the stack if it declares this namespace, or None if the namespace is only used."""
        ...


def kubernetes_provider(
    name: str,
    *,
    kubeconfig: pulumi.Input[str],
    context: str | None,
    identifier: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> kubernetes.Provider:
    """Return a cluster's provider; another identifier replaces every resource, another kubeconfig replaces none."""
    return kubernetes.Provider(
        name,
        kubeconfig=kubeconfig,
        context=context,
        cluster_identifier=identifier,
        # Without it a rotated secret is deleted and created: missing for a moment, and refused if it is protected.
        enable_secret_mutable=True,
        opts=opts,
    )
