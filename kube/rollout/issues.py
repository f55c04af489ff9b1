"""Issues that keep the pods of a release from being ready."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from lightkube.models.core_v1 import ContainerState, ContainerStatus
from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event, Pod

from kube.objects import (
    Object,
    condition,
    container_statuses,
    has_ended,
    init_container_statuses,
    labels,
    name,
    owner_uid,
    uid,
)
from kube.rollout import terminal
from kube.rollout.snapshot import Snapshot
from kube.rollout.terminal import Kind

# The other states in which a container waits are failures.
_NORMAL_WAITS = {"ContainerCreating", "PodInitializing"}
# The events with which cluster-autoscaler and Karpenter announce a node for a pod.
_NODE_COMES = ("TriggeredScaleUp", "Nominated")
_NO_NODE_COMES = "NotTriggerScaleUp"


@dataclass(frozen=True)
class Issue:
    """A failure of one pod, or of a controller that cannot create pods."""

    workload: str  # the label `app`, or the object's name
    summary: str  # the same for every replica and every snapshot
    message: str | None  # of Kubernetes
    kind: Kind
    terminal_after: float | None  # the seconds for which it must persist to be terminal; None where it is retriable
    uid: str | None  # of the pod or the controller
    pod: str | None = None
    container: str | None = None
    job: str | None = None  # the hook that the pod belongs to
    attempts: int | None = None  # that have failed, if one more must fail before the issue is terminal

    @property
    def sentence(self) -> str:
        return f"{self.workload}: {self.summary}" + (f": {self.message}" if self.message else "")


def find_issues(snapshot: Snapshot) -> list[Issue]:
    """Return the issues of a snapshot; every controller, pod and container can have some."""
    jobs = {uid(job): name(job) for job in snapshot.jobs}
    of_containers = {uid(pod): [*_container_issues(pod, jobs.get(owner_uid(pod)))] for pod in snapshot.pods}
    # A pod that becomes ready replaces an old one, which then frees its quota and its node.
    may_replace = any(_is_starting(pod) and not of_containers[uid(pod)] for pod in snapshot.pods)
    return [
        *_creation_issues(snapshot, quota_may_free=may_replace or snapshot.terminating_in_namespace),
        *_scheduling_issues(snapshot, jobs, nodes_may_free=may_replace or snapshot.terminating_in_cluster),
        *chain.from_iterable(of_containers.values()),
    ]


def _creation_issues(snapshot: Snapshot, *, quota_may_free: bool) -> Iterator[Issue]:
    def issue(controller: Deployment | ReplicaSet | Job, message: str | None, job: str | None) -> Issue:
        is_quota = message is not None and "exceeded quota" in message
        after = None if is_quota and quota_may_free else terminal.pod_creation(message or "")
        # The controller backs off after each attempt, and does not notice that quota was freed.
        attempts = sum(it.count or 1 for it in _failed_creations(snapshot, controller)) if is_quota else None
        summary, own_uid = "cannot create a pod", uid(controller)
        return Issue(_workload(controller), summary, message, "schedule", after, own_uid, job=job, attempts=attempts)

    for controller in snapshot.controllers:
        if failure := condition(controller, "ReplicaFailure", "True"):
            yield issue(controller, failure.message, None)
    owners = {owner_uid(pod) for pod in snapshot.pods}
    for job in snapshot.jobs:
        # A Job has no such condition, but its controller writes an event for each attempt.
        failures = _failed_creations(snapshot, job)
        if failures and uid(job) not in owners:
            yield issue(job, failures[-1].message, name(job))


def _failed_creations(snapshot: Snapshot, controller: Object) -> list[Event]:
    return [it for it in snapshot.events if it.reason == "FailedCreate" and it.involvedObject.uid == uid(controller)]


def _scheduling_issues(
    snapshot: Snapshot, jobs: dict[str | None, str | None], *, nodes_may_free: bool
) -> Iterator[Issue]:
    events = {(event.involvedObject.uid, event.reason) for event in snapshot.events}
    # A pod that fits on a node that is created for another pod gets no event of its own.
    node_comes = any((uid(pod), reason) in events for pod in snapshot.pods for reason in _NODE_COMES)
    taints = None
    if snapshot.nodes is not None:
        taints = [taint.key for node in snapshot.nodes if node.spec for taint in node.spec.taints or []]
    for pod in snapshot.pods:
        scheduled = condition(pod, "PodScheduled", "False")
        if scheduled is None:
            continue
        message = scheduled.message or ""
        is_retriable = (
            nodes_may_free
            or (node_comes and (uid(pod), _NO_NODE_COMES) not in events)
            or (pod.status and pod.status.nominatedNodeName)  # other pods are preempted for it
            or scheduled.reason != "Unschedulable"  # a scheduling gate
        )
        after = None if is_retriable else terminal.scheduling(message, taints)
        summary, job = "cannot schedule its pod", jobs.get(owner_uid(pod))
        yield Issue(_workload(pod), summary, message, "schedule", after, uid(pod), name(pod), job=job)


def _container_issues(pod: Pod, job: str | None) -> Iterator[Issue]:
    for status in (*init_container_statuses(pod), *container_statuses(pod)):
        for failure, message, kind, after in _failures(status):
            summary = f"container {status.name} {failure}"
            yield Issue(_workload(pod), summary, message, kind, after, uid(pod), name(pod), status.name, job)


def _failures(status: ContainerStatus) -> Iterator[tuple[str, str | None, Kind, float | None]]:
    state, crash = status.state or ContainerState(), terminal.crash(status.restartCount)
    waiting = state.waiting
    if waiting and waiting.reason and waiting.reason not in _NORMAL_WAITS:
        looping = waiting.reason == "CrashLoopBackOff"
        kind, after = ("crash", crash) if looping else terminal.waiting_container(waiting.reason, waiting.message or "")
        yield f"is in {waiting.reason}", waiting.message or "no message", kind, after
    # Before the next start the crash is the last state; in a running container it is the past.
    ended = state.terminated or (waiting and status.lastState and status.lastState.terminated)
    if ended and ended.exitCode != 0:
        yield f"exited with code {ended.exitCode} ({ended.reason})", ended.message, "crash", crash


def _is_starting(pod: Pod) -> bool:
    """Return whether the pod has a node, and is neither ready nor ended."""
    has_node, is_ready = condition(pod, "PodScheduled", "True"), condition(pod, "Ready", "True")
    return has_node is not None and is_ready is None and not has_ended(pod)


def _workload(item: Object) -> str:
    return labels(item).get("app") or name(item) or "a workload"
