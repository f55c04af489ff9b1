"""Objects of a release as an API server has them, and a client that shows them at one moment after the other."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.models.apps_v1 import (
    DeploymentSpec,
    DeploymentStatus,
    ReplicaSetCondition,
    ReplicaSetSpec,
    ReplicaSetStatus,
)
from lightkube.models.core_v1 import (
    ContainerState,
    ContainerStateRunning,
    ContainerStateTerminated,
    ContainerStateWaiting,
    ContainerStatus,
    EventSource,
    NodeSpec,
    ObjectReference,
    PodCondition,
    PodStatus,
    PodTemplateSpec,
    Taint,
)
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta, OwnerReference, Status
from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event, Node, Pod, Secret, Service

RUNNING = ContainerState(running=ContainerStateRunning())
NOT_FOUND = ApiError(httpx2.Request("GET", "http://cluster"), httpx2.Response(404, json={"code": 404}))


def waiting(reason: str, message: str | None = None) -> ContainerState:
    return ContainerState(waiting=ContainerStateWaiting(reason=reason, message=message))


def ended(code: int, reason: str, message: str | None = None) -> ContainerState:
    return ContainerState(terminated=ContainerStateTerminated(exitCode=code, reason=reason, message=message))


def container(
    state: ContainerState, *, last: ContainerState | None = None, ready: bool = False, restarts: int = 0
) -> ContainerStatus:
    return ContainerStatus("", "", "backend", ready, restarts, lastState=last, state=state)


def owned_by(owner: str) -> list[OwnerReference]:
    return [OwnerReference(apiVersion="v1", kind="", name="", uid=owner, controller=True)] if owner else []


def pod(
    *containers: ContainerStatus,
    init: ContainerState | None = None,
    unschedulable: str = "",
    reason: str = "Unschedulable",
    owner: str = "rs-2",
    uid: str = "pod-1",
    **status: Any,
) -> Pod:
    scheduled = PodCondition(
        type="PodScheduled",
        status="False" if unschedulable else "True",
        message=unschedulable,
        reason=reason if unschedulable else "",
    )
    ready = PodCondition(type="Ready", status="True" if containers and all(it.ready for it in containers) else "False")
    migrate = ContainerStatus(name="migrate", image="", imageID="", restartCount=0, ready=False, state=init)
    return Pod(
        metadata=ObjectMeta(
            name="backend-7d9f",
            namespace="todo",
            uid=uid,
            labels={"app": "backend"},
            ownerReferences=owned_by(owner),
        ),
        status=PodStatus(
            conditions=[scheduled, ready],
            containerStatuses=list(containers),
            initContainerStatuses=[migrate] if init else None,
            **status,
        ),
    )


def ending(pod: Pod) -> Pod:
    assert pod.metadata
    pod.metadata.deletionTimestamp = datetime.now(UTC)
    return pod


def of_another_namespace(pod: Pod) -> Pod:
    assert pod.metadata
    pod.metadata.namespace = "another"
    return pod


def deployment(
    app: str = "backend", *, generation: int = 2, observed: int = 2, ready: int = 0, uid: str = "deployment"
) -> Deployment:
    return Deployment(
        metadata=ObjectMeta(name=app, uid=uid, generation=generation, labels={"app": app}),
        spec=DeploymentSpec(selector=LabelSelector(), template=PodTemplateSpec(), replicas=2),
        status=DeploymentStatus(readyReplicas=ready, observedGeneration=observed),
    )


def replica_set(revision: int = 2, *, failure: str = "", owner: str = "deployment") -> ReplicaSet:
    conditions = [ReplicaSetCondition(type="ReplicaFailure", status="True", message=failure)] if failure else []
    return ReplicaSet(
        metadata=ObjectMeta(
            name=f"backend-{revision}",
            uid=f"rs-{revision}",
            labels={"app": "backend"},
            annotations={"deployment.kubernetes.io/revision": str(revision)},
            ownerReferences=owned_by(owner),
        ),
        spec=ReplicaSetSpec(selector=LabelSelector()),
        status=ReplicaSetStatus(replicas=0, conditions=conditions),
    )


def job(uid: str = "job-2") -> Job:
    return Job(metadata=ObjectMeta(name="todo-app-migrations", uid=uid, labels={"app": "migrations"}))


def event(reason: str, about: str, message: str = "", count: int = 1) -> Event:
    return Event(
        involvedObject=ObjectReference(uid=about),
        metadata=ObjectMeta(name="event"),
        reason=reason,
        message=message,
        count=count,
        source=EventSource(),
    )


def node(*taints: str) -> Node:
    return Node(spec=NodeSpec(taints=[Taint(effect="NoSchedule", key=taint) for taint in taints]))


@dataclass
class Moment:
    """The objects of a cluster at one moment. An ApiError in the place of a list is the answer to the request."""

    revision: str | None = "2"
    """The revision in the abort Service; None where there is no such Service."""
    deployments: Sequence[Deployment] = ()
    replica_sets: Sequence[ReplicaSet] = ()
    jobs: Sequence[Job] = ()
    pods: Sequence[Pod] = ()
    """The release's pods."""
    other_pods: Sequence[Pod] = ()
    """The other pods of the namespace."""
    pods_elsewhere: Sequence[Pod] | ApiError = ()
    """The pods of other namespaces."""
    events: Sequence[Event] = ()
    nodes: Sequence[Node] | ApiError = ()
    error: Exception | None = None
    """The error of every request."""


@dataclass
class Cluster:
    """Shows the next moment at each request for the abort Service, and cancels the task that asks after the last."""

    moments: Sequence[Moment]
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    log_lines: Sequence[str] | Exception = ()
    refusals: int = 0
    """The number of changes that are refused."""
    lists: set[tuple[str | None, str]] = field(default_factory=set[tuple[str | None, str]])
    """The namespace and the label selector of each list."""
    changes: list[tuple[str, str, Any]] = field(default_factory=list[tuple[str, str, Any]])
    """The objects that were deleted or patched."""
    logs_read: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """The pod and the container of each log."""

    def __post_init__(self) -> None:
        self._moments = iter(self.moments)
        self._now = Moment()

    @property
    def client(self) -> AsyncClient:
        return cast("AsyncClient", self)

    async def get(self, kind: type[Service] | type[Secret], name: str, *, namespace: str) -> Service | Secret:
        if kind is Secret:
            return Secret(data={key: base64.b64encode(text.encode()).decode() for key, text in self.secrets.items()})
        assert (name, namespace) == ("todo-app-rollout", "todo")
        moment = next(self._moments, None)
        if moment is None:
            raise asyncio.CancelledError
        self._now = moment
        if moment.error:
            raise moment.error
        if moment.revision is None:
            raise NOT_FOUND
        return Service(metadata=ObjectMeta(name=name, annotations={"todo-oke.pulumi.com/revision": moment.revision}))

    async def list(
        self, kind: type[Any], *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> AsyncIterator[Any]:
        self.lists.add((namespace, ",".join(f"{key}={value}" for key, value in (labels or {}).items())))
        now = self._now
        pods = now.pods if labels else [*now.pods, *now.other_pods]
        if namespace == "*":
            elsewhere = now.pods_elsewhere
            pods = elsewhere if isinstance(elsewhere, ApiError) else [*pods, *elsewhere]
        found = {
            Deployment: now.deployments,
            ReplicaSet: now.replica_sets,
            Job: now.jobs,
            Pod: pods,
            Event: now.events,
            Node: now.nodes,
        }[kind]
        if isinstance(found, ApiError):
            raise found
        for item in found:
            yield item

    async def delete(self, kind: type[Any], name: str, *, namespace: str) -> None:
        self._change(("delete", f"{namespace}/{kind.__name__}/{name}", None))

    async def patch(self, kind: type[Any], name: str, change: Any, *, namespace: str) -> None:
        self._change(("patch", f"{namespace}/{kind.__name__}/{name}", change))

    async def log(self, pod: str, *, namespace: str, container: str, tail_lines: int) -> AsyncIterator[str]:
        assert namespace == "todo"
        self.logs_read.append((pod, container))
        if isinstance(self.log_lines, Exception):
            raise self.log_lines
        for line in self.log_lines[-tail_lines:]:
            yield f"{line}\n"

    def _change(self, change: tuple[str, str, Any]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise ApiError(status=Status(code=403, message="forbidden"))
        self.changes.append(change)


@dataclass
class Clock:
    """Stands still, or goes on by a step each time that it is read."""

    now: float = 0.0
    step: float = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now
