"""Track which objects of a release are new, and which were there before it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from lightkube import ApiError, AsyncClient
from lightkube.core.client import LabelSelector
from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event, Node, Pod

from kube.objects import annotations, has_ended, is_terminating, metadata, name, namespace, owner_uid, uid
from kube.rollout.abort import applied_revision
from kube.rollout.issues import find_issues
from kube.rollout.snapshot import Snapshot
from kube.rollout.terminal import PERSISTENT_AFTER

# https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#checking-rollout-history-of-a-deployment
_REVISION = "deployment.kubernetes.io/revision"

T = TypeVar("T", Deployment, ReplicaSet, Job, Pod)


@dataclass(frozen=True)
class _Baseline:
    """The release before Helm changes it."""

    revision: str | None  # of the abort Service
    generations: dict[str | None, int | None]  # by Deployment
    jobs: set[str | None]  # their UIDs


class ReleaseTracker:
    """Takes snapshots of one release, starting before Helm changes anything."""

    def __init__(
        self, client: AsyncClient, namespace: str, release: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._release = release
        self._labels: LabelSelector = {"app.kubernetes.io/instance": release}
        self._clock = clock
        self._baseline: _Baseline | None = None
        self._applied_at: float | None = None

    async def start(self) -> None:
        """Record the baseline. Without one, every object counts as new."""
        self._baseline = _Baseline(
            revision=await applied_revision(self._client, self._namespace, self._release),
            generations={name(it): metadata(it).generation for it in await self._list(Deployment)},
            jobs={uid(job) for job in await self._list(Job)},
        )

    async def snapshot(self) -> Snapshot:
        """Return the objects as they are now. Raises what the client raises."""
        is_applied = self._is_applied(await applied_revision(self._client, self._namespace, self._release))
        # In this order: pods without a ReplicaSet in this list are younger than the list, and in the next snapshot.
        deployments = await self._list(Deployment)
        replica_sets = await self._list(ReplicaSet)
        jobs = [job for job in await self._list(Job) if self._baseline is None or uid(job) not in self._baseline.jobs]
        newest = (_newest(deployment, replica_sets) for deployment in deployments if self._is_changed(deployment))
        controllers = [replica_set for replica_set in newest if replica_set]
        of_controllers, of_jobs = {*map(uid, controllers)}, {*map(uid, jobs)}
        pods = [
            pod
            for pod in await self._list(Pod)
            if not is_terminating(pod)
            and (owner_uid(pod) in of_jobs or (owner_uid(pod) in of_controllers and not has_ended(pod)))
        ]
        snapshot = Snapshot(controllers, pods, jobs, deployments, is_applied)
        without_pods = of_jobs - {owner_uid(pod) for pod in pods}
        if without_pods or any(issue.kind == "schedule" for issue in find_issues(snapshot)):
            return await self._with_capacity(snapshot)
        return snapshot

    def _is_applied(self, revision: str | None) -> bool:
        # A rollback restores the revision of the baseline.
        if self._baseline is None or revision in (None, self._baseline.revision):
            self._applied_at = None
        elif self._applied_at is None:
            self._applied_at = self._clock()
        return self._applied_at is not None

    def _is_changed(self, deployment: Deployment) -> bool:
        """Return whether Helm has changed a Deployment, or has had the time to do so and left it as it was."""
        before = self._baseline.generations if self._baseline else {}
        changed = name(deployment) not in before or before[name(deployment)] != metadata(deployment).generation
        return changed or (self._applied_at is not None and self._clock() - self._applied_at >= PERSISTENT_AFTER)

    async def _with_capacity(self, snapshot: Snapshot) -> Snapshot:
        """Add what shows whether capacity may become free; a kubeconfig may be for one namespace only."""
        try:
            nodes = [node async for node in self._client.list(Node)]
        except ApiError:
            nodes = None
        try:
            pods = [pod async for pod in self._client.list(Pod, namespace="*")]
        except ApiError:
            pods = [pod async for pod in self._client.list(Pod, namespace=self._namespace)]
        terminating = [*filter(is_terminating, pods)]
        return replace(
            snapshot,
            terminating_in_namespace=any(namespace(pod) == self._namespace for pod in terminating),
            terminating_in_cluster=bool(terminating),
            events=[event async for event in self._client.list(Event, namespace=self._namespace)],
            nodes=nodes,
        )

    async def _list(self, kind: type[T]) -> list[T]:
        return [item async for item in self._client.list(kind, namespace=self._namespace, labels=self._labels)]


def _newest(deployment: Deployment, replica_sets: Sequence[ReplicaSet]) -> ReplicaSet | None:
    """Return the ReplicaSet of a Deployment's present template, or None until the controller has seen that template.

    The controller gives it the highest revision before it writes the observed generation.
    Source: getNewReplicaSet in https://github.com/kubernetes/kubernetes/blob/v1.35.4/pkg/controller/deployment/sync.go
    """
    if not deployment.status or deployment.status.observedGeneration != metadata(deployment).generation:
        return None
    owned = [it for it in replica_sets if owner_uid(it) == uid(deployment)]
    return max(owned, key=lambda it: int(annotations(it).get(_REVISION, "0")), default=None)
