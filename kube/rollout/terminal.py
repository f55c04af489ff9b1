"""When a failure is terminal: the seconds for which it must persist, or None where it is retriable."""

import re
from collections.abc import Iterable
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["image", "create", "crash", "schedule"]

# The kubelet retries a pull after 10 s, and an autoscaler looks for unschedulable pods every 10 s.
PERSISTENT_AFTER = 12.0
# Time for other issues to show up, so that they are reported as well.
GRACE = 3.0

# The first crash may be due to a database that starts more slowly.
_RESTARTS = 2

# The reasons are in pkg/kubelet/images/types.go and pkg/kubelet/kuberuntime/kuberuntime_container.go of Kubernetes.
_NEVER_PULLED = {"InvalidImageName", "ErrImageNeverPull"}
_NOT_PULLED = {"ErrImagePull", "ImagePullBackOff"}
_NOT_CREATED = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "SignatureValidationFailed"}

# How registries, containerd and CRI-O report an image, or the right to it, that does not exist:
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
_REFUSED = re.compile(
    r"not found|(?:manifest|name) unknown|does not exist|denied|unauthorized|forbidden|invalid reference"
    r"|no match for platform|no image found in",
    re.IGNORECASE,
)
# Networks, registries, runtimes and webhooks that are busy or not there yet.
_RETRIABLE = re.compile(
    r"(?i:time(?:d )?-?out|deadline exceeded|connection re|no such host|server misbehaving|no route to host"
    r"|unreachable|unavailable|too ?many ?requests|\bEOF\b|is reserved|no endpoints)"
    r"|\b(?:429|5\d\d) [A-Z]|status(?: code)?:? (?:429|5\d\d)"
)
# A volume or the first node is being created, or a drained node will soon be back or replaced.
_CAPACITY_COMES = re.compile(r"no nodes available|volume|were unschedulable", re.IGNORECASE)
# Nodes that come or go: https://kubernetes.io/docs/reference/labels-annotations-taints/
_TEMPORARY_TAINTS = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "ToBeDeletedByClusterAutoscaler")


def crash(restarts: int) -> float | None:
    """Return when a container that keeps crashing is terminal.

    Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-restarts
    """
    return GRACE if restarts >= _RESTARTS else None


def waiting_container(reason: str, message: str) -> tuple[Kind, float | None]:
    """Return the kind of failure with which a container waits, and when it is terminal.

    Source: https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff
    """
    if reason in _NEVER_PULLED:
        return "image", GRACE
    is_retriable = _RETRIABLE.search(message)
    if reason in _NOT_PULLED:
        return "image", PERSISTENT_AFTER if _REFUSED.search(message) and not is_retriable else None
    return "create", PERSISTENT_AFTER if reason in _NOT_CREATED and not is_retriable else None


def pod_creation(message: str) -> float | None:
    """Return when it is terminal that no pod can be created: for a quota, Pod Security or a webhook.

    Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#failed-deployment
    """
    return None if _RETRIABLE.search(message) else PERSISTENT_AFTER


def scheduling(message: str, taints: Iterable[str] | None) -> float | None:
    """Return when it is terminal that no node has room for a pod.

    taints: keys of the taints of all nodes, for the scheduler does not name them; None where nodes cannot be listed.
    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
    """
    if _CAPACITY_COMES.search(message):
        return None
    if "untolerated taint" in message and (taints is None or any(it.startswith(_TEMPORARY_TAINTS) for it in taints)):
        return None
    return PERSISTENT_AFTER
