"""What a release has made so far, as against what was there before it and may be just what it mends."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from lightkube import ApiError, AsyncClient
from lightkube.core.client import LabelSelector
from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event, Node, Pod

from kube.rollout.abort import gate_revision
from kube.rollout.failure_policy import IF_IT_STANDS
from kube.rollout.issues import Scene, find, has_ended, name, owner, uid

# https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#checking-rollout-history-of-a-deployment
_REVISION = "deployment.kubernetes.io/revision"

T = TypeVar("T", Deployment, ReplicaSet, Job, Pod)


@dataclass(frozen=True)
class Look:
    """One look at the cluster.

    deployments: all of the release, as they are. scene: what the release has made.
    waits: whether Helm has applied the release, and does nothing any more but wait.
    """

    deployments: Sequence[Deployment]
    scene: Scene
    waits: bool


@dataclass(frozen=True)
class _Before:
    """gate: the revision that it named. generations: by Deployment. jobs: their UIDs."""

    gate: str | None
    generations: dict[str, int | None]
    jobs: set[str]


class Lookout:
    """Looks at one release, from before Helm does anything."""

    def __init__(
        self, client: AsyncClient, namespace: str, release: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._release = release
        self._labels: LabelSelector = {"app.kubernetes.io/instance": release}
        self._clock = clock
        self._before: _Before | None = None
        self._applied_at: float | None = None

    async def begin(self) -> None:
        """Remembers what is there before the release. Without it all there is seems to be made by the release."""
        self._before = _Before(
            gate=await gate_revision(self._client, self._namespace, self._release),
            generations={name(it): _generation(it) for it in await self._list(Deployment)},
            jobs={uid(job) for job in await self._list(Job)},
        )

    async def look(self) -> Look:
        """Raises what the client raises."""
        waits = self._is_applied(await gate_revision(self._client, self._namespace, self._release))
        # In this order: pods that belong to no ReplicaSet of this list are younger than it, and seen at the next look.
        deployments = await self._list(Deployment)
        replica_sets = await self._list(ReplicaSet)
        jobs = [job for job in await self._list(Job) if self._before is None or uid(job) not in self._before.jobs]
        makers = [it for it in (_newest(d, replica_sets) for d in filter(self._is_released, deployments)) if it]
        sets, of_jobs = {*map(uid, makers)}, {*map(uid, jobs)}
        pods = [
            pod
            for pod in await self._list(Pod)
            if not _leaves(pod) and (owner(pod) in of_jobs or (owner(pod) in sets and not has_ended(pod)))
        ]
        scene = Scene(makers, pods, jobs)
        podless = {uid(job) for job in jobs} - {owner(pod) for pod in pods}
        if podless or any(obstacle.trouble == "room" for obstacle in find(scene)):
            scene = await self._with_room(scene)
        return Look(deployments, scene, waits)

    def _is_applied(self, gate: str | None) -> bool:
        # At the way back the gate is again as it was: what Helm does then is never judged.
        if self._before is None or gate in (None, self._before.gate):
            self._applied_at = None
        elif self._applied_at is None:
            self._applied_at = self._clock()
        return self._applied_at is not None

    def _is_released(self, deployment: Deployment) -> bool:
        """Whether a Deployment is as the release wants it: Helm changed it, or has had the time to do so."""
        before = self._before.generations if self._before else {}
        changed = name(deployment) not in before or before[name(deployment)] != _generation(deployment)
        return changed or (self._applied_at is not None and self._clock() - self._applied_at >= IF_IT_STANDS)

    async def _with_room(self, scene: Scene) -> Scene:
        """What it takes to tell whether room for more pods may come."""
        # A kubeconfig may be for one namespace only.
        try:
            nodes = [node async for node in self._client.list(Node)]
        except ApiError:
            nodes = None
        try:
            pods = [pod async for pod in self._client.list(Pod, namespace="*")]
        except ApiError:
            pods = [pod async for pod in self._client.list(Pod, namespace=self._namespace)]
        leaving = [*filter(_leaves, pods)]
        return replace(
            scene,
            leaving=any(pod.metadata and pod.metadata.namespace == self._namespace for pod in leaving),
            leaving_nodes=bool(leaving),
            events=[event async for event in self._client.list(Event, namespace=self._namespace)],
            nodes=nodes,
        )

    async def _list(self, kind: type[T]) -> list[T]:
        return [item async for item in self._client.list(kind, namespace=self._namespace, labels=self._labels)]


def _newest(deployment: Deployment, replica_sets: Sequence[ReplicaSet]) -> ReplicaSet | None:
    """The ReplicaSet of a Deployment's present template, or None until its controller has seen that template.

    The controller gives it the highest revision, before it tells the generation that it has seen.
    Source: getNewReplicaSet in https://github.com/kubernetes/kubernetes/blob/v1.35.4/pkg/controller/deployment/sync.go
    """
    if not deployment.status or deployment.status.observedGeneration != _generation(deployment):
        return None
    owned = [it for it in replica_sets if owner(it) == uid(deployment)]
    return max(owned, key=_revision, default=None)


def _revision(replica_set: ReplicaSet) -> int:
    return int(((replica_set.metadata and replica_set.metadata.annotations) or {}).get(_REVISION, "0"))


def _generation(deployment: Deployment) -> int | None:
    return deployment.metadata and deployment.metadata.generation


def _leaves(pod: Pod) -> bool:
    return bool(pod.metadata and pod.metadata.deletionTimestamp)
