"""Whether what keeps a pod from being ready can go away by itself: if not, nobody needs to wait for it."""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lightkube.models.core_v1 import ContainerStatus
from lightkube.resources.core_v1 import Pod

Trouble: TypeAlias = Literal["image", "creation", "crash", "room"]

# A kubelet pulls again after 10 s, and an autoscaler looks each 10 s for pods that lack a node.
IF_IT_STANDS = 12.0
# Time to see what else is in the way, so that it is told as well.
SOON = 3.0

# A first crash may be a database that starts more slowly.
_RESTARTS = 2

# pkg/kubelet/images/types.go and pkg/kubelet/kuberuntime/kuberuntime_container.go of Kubernetes have the reasons.
_NEVER_PULLED = {"InvalidImageName", "ErrImageNeverPull"}
_NOT_PULLED = {"ErrImagePull", "ImagePullBackOff"}
_NOT_CREATED = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "SignatureValidationFailed"}

# The words of registries, containerd and CRI-O for an image, or a right to it, that is not there:
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
_REFUSED = re.compile(
    r"not found|(?:manifest|name) unknown|does not exist|denied|unauthorized|forbidden|invalid reference"
    r"|no match for platform|no image found in",
    re.IGNORECASE,
)
# What passes: networks, registries, runtimes and webhooks that are busy or not there yet.
_PASSES = re.compile(
    r"(?i:time(?:d )?-?out|deadline exceeded|connection re|no such host|server misbehaving|no route to host"
    r"|unreachable|unavailable|too ?many ?requests|\bEOF\b|is reserved|no endpoints)"
    r"|\b(?:429|5\d\d) [A-Z]|status(?: code)?:? (?:429|5\d\d)"
)
# A disk, or the first node, is made at this moment, or a node is drained, to be back or replaced soon.
_ROOM_COMES = re.compile(r"no nodes available|volume|were unschedulable", re.IGNORECASE)
# Nodes that come or go: https://kubernetes.io/docs/reference/labels-annotations-taints/
_PASSING_TAINTS = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "ToBeDeletedByClusterAutoscaler")


@dataclass(frozen=True)
class Obstacle:
    """What is in the way of one pod, or of what makes pods.

    app, state, detail: the workload, what it is stuck in, and Kubernetes' own words on that.
    final_after: the seconds for which it must stand to be final; None where it may go away by itself.
    uid, pod, container: what has the trouble; the names are empty where there is no such thing yet.
    job: the name of the Job that it is in, or empty.
    tries: how often it was met so far, where that has to happen once more before it is final: who met it may not know
        yet that it went away. None for what is told as it is.
    """

    app: str
    state: str
    detail: str
    trouble: Trouble
    final_after: float | None = None
    uid: str = ""
    pod: str = ""
    container: str = ""
    job: str = ""
    tries: int | None = None

    @property
    def sentence(self) -> str:
        return f"{self.app}: {self.state}" + (f": {self.detail}" if self.detail else "")


class Verdict:
    """Remembers since when each obstacle stands, and so knows which will never go away."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[tuple[str, str, str], tuple[float, int]] = {}
        self._were_ready: set[tuple[str, str]] = set()

    def final(self, obstacles: Iterable[Obstacle], pods: Iterable[Pod]) -> list[Obstacle]:
        """Those of the obstacles of one look because of which the release can never become ready."""
        now = self._clock()
        self._were_ready |= {
            ((pod.metadata and pod.metadata.uid) or "", status.name)
            for pod in pods
            for status in statuses(pod)
            if status.ready
        }
        lasting = [(it, it.final_after) for it in obstacles if it.final_after is not None and not self._was_ready(it)]
        begun = {(it.uid, it.container, it.trouble): (now, it.tries or 0) for it, _ in lasting}
        self._since = {key: self._since.get(key, first) for key, first in begun.items()}
        return [it for it, seconds in lasting if self._stands(it, now - seconds)]

    def _stands(self, obstacle: Obstacle, since: float) -> bool:
        began, tries = self._since[obstacle.uid, obstacle.container, obstacle.trouble]
        return began <= since and (obstacle.tries is None or obstacle.tries > tries)

    def _was_ready(self, obstacle: Obstacle) -> bool:
        # What was ready once may be so again, however often it crashes.
        return (obstacle.uid, obstacle.container) in self._were_ready


def statuses(pod: Pod) -> list[ContainerStatus]:
    """Those of all containers of a pod, in the order in which they start."""
    if pod.status is None:
        return []
    return [*(pod.status.initContainerStatuses or []), *(pod.status.containerStatuses or [])]


def of_crash(restarts: int) -> float | None:
    """When a container that keeps crashing is given up.

    Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-restarts
    """
    return SOON if restarts >= _RESTARTS else None


def of_wait(reason: str, message: str) -> tuple[Trouble, float | None]:
    """Of what kind the fault is that a container waits with, and when it is final.

    Source: https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff
    """
    if reason in _NEVER_PULLED:
        return "image", SOON
    if reason in _NOT_PULLED:
        return "image", IF_IT_STANDS if _REFUSED.search(message) and not _PASSES.search(message) else None
    if reason in _NOT_CREATED:
        return "creation", None if _PASSES.search(message) else IF_IT_STANDS
    return "creation", None


def is_of_quota(message: str) -> bool:
    """Whether it is for a quota that no pod can be made, so for want of room."""
    return "exceeded quota" in message


def of_no_pod(message: str, *, may_get_room: bool) -> float | None:
    """When it is final that no pod can be made: a quota, Pod Security, a webhook.

    Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#failed-deployment
    """
    passes = _PASSES.search(message) or (is_of_quota(message) and may_get_room)
    return None if passes else IF_IT_STANDS


def of_no_node(message: str, taints: Iterable[str] | None) -> float | None:
    """When it is final that no node can take a pod.

    taints: the keys of those of all nodes, as the scheduler does not say which; None where nodes may not be listed.

    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
    """
    if _ROOM_COMES.search(message):
        return None
    if "untolerated taint" in message and (taints is None or any(it.startswith(_PASSING_TAINTS) for it in taints)):
        return None
    return IF_IT_STANDS
