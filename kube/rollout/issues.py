"""What keeps the pods of a release from being ready, read from its objects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lightkube.models.core_v1 import ContainerState, ContainerStateTerminated, ContainerStatus, PodCondition
from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event, Node, Pod

from kube.rollout import failure_policy
from kube.rollout.failure_policy import Obstacle

Item: TypeAlias = Deployment | ReplicaSet | Job | Pod

# States that a container waits in without fault, as against those that the kubelet names after a fault.
_NORMAL_WAITS = {"ContainerCreating", "PodInitializing"}
# Events of an autoscaler, Karpenter's the second, on a pod for which it makes a node.
_NODE_COMES = {"TriggeredScaleUp", "Nominated"}
_NO_NODE_COMES = "NotTriggerScaleUp"


@dataclass(frozen=True)
class Scene:
    """What a release has made so far.

    makers: the newest ReplicaSet of each Deployment, or the Deployment itself. jobs: its hooks. pods: of both.
    leaving: whether a pod of the namespace ends, and will free its quota.
    leaving_nodes: whether a pod of any namespace does, as far as those may be listed, and will free its node's room.
    events: of the namespace. nodes: of the cluster; None where they may not be listed.
    """

    makers: Sequence[Deployment | ReplicaSet]
    pods: Sequence[Pod]
    jobs: Sequence[Job] = ()
    leaving: bool = False
    leaving_nodes: bool = False
    events: Sequence[Event] = ()
    nodes: Sequence[Node] | None = None


def find(scene: Scene) -> list[Obstacle]:
    """What keeps the workloads of a scene from being ready."""
    jobs = {uid(job): name(job) for job in scene.jobs}
    in_containers = {uid(pod): [*_in_containers(pod, jobs.get(owner(pod), ""))] for pod in scene.pods}
    # A pod that becomes ready replaces an old one, and that one frees its room.
    starting = any(_starts(pod) and not in_containers[uid(pod)] for pod in scene.pods)
    return [
        *_without_pods(scene, may_get_room=starting or scene.leaving),
        *_without_nodes(scene, jobs, may_get_room=starting or scene.leaving_nodes),
        *(obstacle for obstacles in in_containers.values() for obstacle in obstacles),
    ]


def uid(item: Item) -> str:
    return (item.metadata and item.metadata.uid) or ""


def name(item: Item) -> str:
    return (item.metadata and item.metadata.name) or ""


def owner(made: Pod | ReplicaSet) -> str:
    """The UID of the controller that made it, or nothing."""
    owners = (made.metadata and made.metadata.ownerReferences) or []
    return next((owner.uid for owner in owners if owner.controller), "")


def has_ended(pod: Pod) -> bool:
    """Whether none of its containers will ever run again.

    That of a Job may be done. Of a Deployment it was evicted, or its node was shut down: it stays to tell of it, and
    another one is made in its place.
    Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
    """
    return bool(pod.status and pod.status.phase in ("Succeeded", "Failed"))


def _without_pods(scene: Scene, *, may_get_room: bool) -> Iterator[Obstacle]:
    def obstacle(maker: Item, message: str, job: str) -> Obstacle:
        final_after = failure_policy.of_no_pod(message, may_get_room=may_get_room)
        # Its controller waits as long again after each try, and nobody tells it that there is room.
        tries = sum(it.count or 1 for it in _failures(scene, maker)) if failure_policy.is_of_quota(message) else None
        return Obstacle(
            _app(maker), "no pod can be made", message, "room", final_after, uid(maker), job=job, tries=tries
        )

    for maker in scene.makers:
        for condition in (maker.status and maker.status.conditions) or []:
            if condition.type == "ReplicaFailure" and condition.status == "True":
                yield obstacle(maker, condition.message or "", "")
    owners = {owner(pod) for pod in scene.pods}
    for job in scene.jobs:
        # A Job has no such condition, but its controller tells each try.
        failures = _failures(scene, job)
        if failures and uid(job) not in owners:
            yield obstacle(job, failures[-1].message or "", name(job))


def _failures(scene: Scene, maker: Item) -> list[Event]:
    return [it for it in scene.events if it.reason == "FailedCreate" and it.involvedObject.uid == uid(maker)]


def _without_nodes(scene: Scene, jobs: dict[str, str], *, may_get_room: bool) -> Iterator[Obstacle]:
    told = {(event.involvedObject.uid, event.reason) for event in scene.events}
    # What fits on a node that is made for another pod gets no event of its own.
    comes = any((uid(pod), reason) in told for pod in scene.pods for reason in _NODE_COMES)
    taints = None if scene.nodes is None else [taint for node in scene.nodes for taint in _taints(node)]
    for pod in scene.pods:
        for condition in _conditions(pod):
            if condition.type == "PodScheduled" and condition.status == "False":
                message = condition.message or ""
                # Others are preempted for a nominated one, and a gated one waits for what opens its gate.
                has_place = (comes and (uid(pod), _NO_NODE_COMES) not in told) or (
                    pod.status and pod.status.nominatedNodeName
                )
                passes = may_get_room or has_place or condition.reason != "Unschedulable"
                yield Obstacle(
                    app=_app(pod),
                    state="no node can take its pod",
                    detail=message,
                    trouble="room",
                    final_after=None if passes else failure_policy.of_no_node(message, taints),
                    uid=uid(pod),
                    pod=name(pod),
                    job=jobs.get(owner(pod), ""),
                )


def _in_containers(pod: Pod, job: str) -> Iterator[Obstacle]:
    for container in failure_policy.statuses(pod):
        for state, detail, trouble, final_after in _faults(container):
            told = f"container {container.name} {state}"
            yield Obstacle(_app(pod), told, detail, trouble, final_after, uid(pod), name(pod), container.name, job)


def _faults(container: ContainerStatus) -> Iterator[tuple[str, str, failure_policy.Trouble, float | None]]:
    state = container.state or ContainerState()
    waiting, of_crash = state.waiting, failure_policy.of_crash(container.restartCount)
    if waiting and waiting.reason == "CrashLoopBackOff":
        yield f"is in {waiting.reason}", waiting.message or "no message", "crash", of_crash
    elif waiting and waiting.reason and waiting.reason not in _NORMAL_WAITS:
        trouble, final_after = failure_policy.of_wait(waiting.reason, waiting.message or "")
        yield f"is in {waiting.reason}", waiting.message or "no message", trouble, final_after
    crash = _crash(container, state)
    if crash:
        yield f"exited with code {crash.exitCode} ({crash.reason})", crash.message or "", "crash", of_crash


def _crash(container: ContainerStatus, state: ContainerState) -> ContainerStateTerminated | None:
    # Before the next start the crash is the last state, after it a running container's own past.
    ended = state.terminated or (state.waiting and container.lastState and container.lastState.terminated)
    return ended if ended and ended.exitCode != 0 else None


def _starts(pod: Pod) -> bool:
    """Whether a node has the pod, which is not ready yet and has not ended."""
    conditions = {condition.type: condition.status for condition in _conditions(pod)}
    return conditions.get("PodScheduled") == "True" and conditions.get("Ready") != "True" and not has_ended(pod)


def _conditions(pod: Pod) -> Sequence[PodCondition]:
    return (pod.status and pod.status.conditions) or []


def _taints(node: Node) -> Iterator[str]:
    return (taint.key for taint in (node.spec and node.spec.taints) or [])


def _app(item: Item) -> str:
    labels = (item.metadata and item.metadata.labels) or {}
    return labels.get("app") or name(item) or "a workload"
