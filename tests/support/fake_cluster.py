"""A cluster as components see it, without the component that makes or finds it."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
import yaml

from kube import kubeconfig
from tests.support import example


@dataclass(frozen=True)
class FakeCluster:
    """A `Cluster` whose objects are declared through the default provider."""

    server: str = "https://cluster.example.com:6443"
    api_cidr: str | None = None
    group: str | None = None

    @property
    def provider(self) -> kubernetes.Provider:
        raise NotImplementedError

    @property
    def kubeconfig(self) -> pulumi.Output[kubeconfig.Kubeconfig]:
        return pulumi.Output.from_input(kubeconfig.read(yaml.safe_dump(example.kubeconfig(self.server)), ""))

    @property
    def load_balancer_group(self) -> pulumi.Output[str] | None:
        return None if self.group is None else pulumi.Output.from_input(self.group)

    def owner_of(self, namespace: str) -> str | None:
        raise NotImplementedError(namespace)
