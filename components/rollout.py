"""Why the pods of a release are not ready, told while they roll out: Helm itself only says that it timed out."""

import asyncio
from collections.abc import Callable, Iterable, Iterator

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.core.client import LabelSelector
from lightkube.models.core_v1 import ContainerStatus
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

_POLL_SECONDS = 2.0

# States that a container waits in without fault, as against those that the kubelet names after a fault.
_NORMAL_WAITS = {"ContainerCreating", "PodInitializing"}


class Rollout:
    """Follows the workloads of a Helm release; `obstacles` has every cause seen so far, one sentence each.

    What was seen is kept: once Helm has taken the release back, the pods that tell the cause are gone.
    """

    def __init__(self, client: AsyncClient, namespace: str, release: str) -> None:
        self.obstacles: list[str] = []
        self._client = client
        self._namespace = namespace
        self._labels: LabelSelector = {"app.kubernetes.io/instance": release}

    async def follow(self, report: Callable[[str], None]) -> None:
        """Looks until it is cancelled, and reports how many replicas are ready each time that this changes."""
        reported = ""
        while True:
            try:
                deployments = [
                    d async for d in self._client.list(Deployment, namespace=self._namespace, labels=self._labels)
                ]
                pods = [p async for p in self._client.list(Pod, namespace=self._namespace, labels=self._labels)]
            except (ApiError, httpx2.HTTPError):
                pass  # to tell the cause must never be what breaks a release
            else:
                self.obstacles += [o for o in find_obstacles(deployments, pods) if o not in self.obstacles]
                progress = ", ".join(sorted(map(_progress, deployments)))
                if progress != reported:
                    report(progress)
                    reported = progress
            await asyncio.sleep(_POLL_SECONDS)


def find_obstacles(deployments: Iterable[Deployment], pods: Iterable[Pod]) -> Iterator[str]:
    """What keeps these workloads from being ready, one sentence for each cause."""
    for deployment in deployments:
        for condition in (deployment.status and deployment.status.conditions) or []:
            if condition.type == "ReplicaFailure" and condition.status == "True":
                yield f"{_name(deployment)}: no pod can be made: {condition.message}"
    for pod in pods:
        if pod.status is None:
            continue
        for condition in pod.status.conditions or []:
            if condition.type == "PodScheduled" and condition.status == "False":
                yield f"{_app(pod)}: no node can take its pod: {condition.message}"
        for container in [*(pod.status.initContainerStatuses or []), *(pod.status.containerStatuses or [])]:
            yield from (f"{_app(pod)}: container {container.name} {fault}" for fault in _faults(container))


def _faults(container: ContainerStatus) -> Iterator[str]:
    state, last = container.state, container.lastState
    if state and state.waiting and state.waiting.reason and state.waiting.reason not in _NORMAL_WAITS:
        yield f"is in {state.waiting.reason}: {state.waiting.message or 'no message'}"
    for ended in (state and state.terminated, last and last.terminated):
        if ended and ended.exitCode != 0:
            yield f"exited with code {ended.exitCode} ({ended.reason})" + (
                f": {ended.message}" if ended.message else ""
            )


def _progress(deployment: Deployment) -> str:
    ready = (deployment.status and deployment.status.readyReplicas) or 0
    return f"{_name(deployment)} {ready}/{(deployment.spec and deployment.spec.replicas) or 0} ready"


def _app(pod: Pod) -> str:
    labels = (pod.metadata and pod.metadata.labels) or {}
    return labels.get("app") or (pod.metadata and pod.metadata.name) or "a pod"


def _name(deployment: Deployment) -> str:
    return (deployment.metadata and deployment.metadata.name) or "a deployment"
