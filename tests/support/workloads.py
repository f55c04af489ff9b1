"""Objects of a release as an API server has them, and a client that shows them at one moment after the other."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.models.meta_v1 import ObjectMeta, Status
from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event, Node, Pod, Secret, Service

T = TypeVar("T")

RUNNING: Mapping[str, Any] = {"running": {}}
NOT_FOUND = ApiError(httpx2.Request("GET", "http://cluster"), httpx2.Response(404, json={"code": 404}))


def _as(kind: type[T], document: Mapping[str, Any]) -> T:
    return cast("T", kind.from_dict(document))  # pyright: ignore[reportAttributeAccessIssue]


def waiting(reason: str, message: str | None = None) -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, reason: str, message: str | None = None) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


def container(
    state: Mapping[str, Any], *, name: str = "backend", ready: bool = False, restarts: int = 0, **more: Any
) -> dict[str, Any]:
    status = {"name": name, "image": "", "imageID": "", "ready": ready, "restartCount": restarts, "state": state}
    return status | {"lastState": more.get("last")}


def metadata(name: str, uid: str, owner: str | None = None, *, app: str = "backend", **more: Any) -> dict[str, Any]:
    owners = [{"apiVersion": "v1", "kind": "", "name": "", "uid": owner, "controller": True}] if owner else []
    return {"name": name, "uid": uid, "labels": {"app": app}, "ownerReferences": owners, **more}


def pod(
    *containers: Mapping[str, Any],
    init: Mapping[str, Any] | None = None,
    unschedulable: str | None = None,
    owner: str = "rs-2",
    uid: str = "pod-1",
    **more: Any,
) -> Pod:
    """Return a pod that has a node unless it is `unschedulable`; more: of its status, but `app` and `namespace`."""
    reason = more.pop("scheduling", "Unschedulable")
    scheduled = {"status": "False", "message": unschedulable, "reason": reason} if unschedulable else {"status": "True"}
    ready = bool(containers) and all(status["ready"] for status in containers)
    about = metadata(
        "backend-7d9f", uid, owner, app=more.pop("app", "backend"), namespace=more.pop("namespace", "todo")
    )
    status = {
        "conditions": [{"type": "PodScheduled", **scheduled}, {"type": "Ready", "status": str(ready)}],
        "containerStatuses": containers,
        "initContainerStatuses": [container(init, name="migrate")] if init else None,
    }
    return _as(Pod, {"metadata": about, "status": status | more})


def terminating(pod: Pod) -> Pod:
    assert pod.metadata
    pod.metadata.deletionTimestamp = datetime.now(UTC)
    return pod


def deployment(
    app: str = "backend", *, generation: int = 2, observed: int = 2, ready: int = 0, uid: str = "deployment"
) -> Deployment:
    return _as(
        Deployment,
        {
            "metadata": metadata(app, uid, app=app, generation=generation),
            "spec": {"selector": {}, "template": {}, "replicas": 2},
            "status": {"readyReplicas": ready, "observedGeneration": observed},
        },
    )


def replica_set(revision: int = 2, *, failure: str | None = None, owner: str = "deployment") -> ReplicaSet:
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    conditions = [{"type": "ReplicaFailure", "status": "True", "message": failure}] if failure else []
    about = metadata(f"backend-{revision}", f"rs-{revision}", owner, annotations=annotations)
    return _as(
        ReplicaSet, {"metadata": about, "spec": {"selector": {}}, "status": {"replicas": 0, "conditions": conditions}}
    )


def job(uid: str = "job-2") -> Job:
    return _as(Job, {"metadata": metadata("todo-app-migrations", uid, app="migrations")})


def event(reason: str, about: str, message: str = "", count: int = 1) -> Event:
    return _as(
        Event, {"metadata": {}, "involvedObject": {"uid": about}, "reason": reason, "message": message, "count": count}
    )


def node(*taints: str) -> Node:
    return _as(Node, {"spec": {"taints": [{"effect": "NoSchedule", "key": taint} for taint in taints]}})


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
