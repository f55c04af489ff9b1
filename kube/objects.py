"""Optional parts of Kubernetes objects: None where there is none, an empty collection where there are none."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from lightkube.models.apps_v1 import DeploymentCondition, ReplicaSetCondition
from lightkube.models.core_v1 import Container, ContainerStatus, PodCondition
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.core_v1 import Pod, Service
from lightkube.resources.networking_v1 import Ingress

Condition: TypeAlias = DeploymentCondition | ReplicaSetCondition | PodCondition


class Object(Protocol):
    @property
    def metadata(self) -> ObjectMeta | None: ...


def metadata(item: Object) -> ObjectMeta:
    return item.metadata or ObjectMeta()


def name(item: Object) -> str | None:
    return metadata(item).name


def namespace(item: Object) -> str | None:
    return metadata(item).namespace


def uid(item: Object) -> str | None:
    return metadata(item).uid


def labels(item: Object) -> Mapping[str, str]:
    return metadata(item).labels or {}


def annotations(item: Object) -> Mapping[str, str]:
    return metadata(item).annotations or {}


def finalizers(item: Object) -> Sequence[str]:
    return metadata(item).finalizers or []


def owner_uid(item: Object) -> str | None:
    """Return the UID of the controller that made the object."""
    owners = metadata(item).ownerReferences or []
    return next((owner.uid for owner in owners if owner.controller), None)


def is_terminating(item: Object) -> bool:
    return metadata(item).deletionTimestamp is not None


def has_ended(pod: Pod) -> bool:
    """Return whether no container of the pod will ever run again.

    A Job's pod is done. A Deployment's pod was evicted or its node was shut down, and another pod replaces it.
    Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
    """
    return pod.status is not None and pod.status.phase in ("Succeeded", "Failed")


def condition(item: Deployment | ReplicaSet | Pod, kind: str, status: str) -> Condition | None:
    """Return the condition of this type, such as PodScheduled, if it has this status: True, False or Unknown."""
    conditions: Sequence[Condition] = (item.status and item.status.conditions) or []
    return next((found for found in conditions if (found.type, found.status) == (kind, status)), None)


def containers(pod: Pod) -> Sequence[Container]:
    """Return the pod's init containers and containers, in the order in which they start."""
    return [*(pod.spec.initContainers or []), *pod.spec.containers] if pod.spec else []


def container_statuses(pod: Pod) -> Sequence[ContainerStatus]:
    """Return the status of each container, without init containers; none before a kubelet has the pod."""
    return (pod.status and pod.status.containerStatuses) or []


def init_container_statuses(pod: Pod) -> Sequence[ContainerStatus]:
    return (pod.status and pod.status.initContainerStatuses) or []


def load_balancer_address(item: Service | Ingress) -> str | None:
    """Return the first host name or IP address of the load balancer in front of a Service or an Ingress."""
    balancer = item.status and item.status.loadBalancer
    points = (balancer and balancer.ingress) or []
    return next((point.hostname or point.ip for point in points), None)
