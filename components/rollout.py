"""Why the pods of a release are not ready, told while they roll out: Helm itself only says that it timed out."""

import asyncio
from collections.abc import Callable, Iterable, Iterator

import pulumi
from lightkube import AsyncClient
from lightkube.core.client import LabelSelector
from lightkube.models.core_v1 import ContainerState, ContainerStatus
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from components.kubeconfig import Kubeconfig

_POLL_SECONDS = 2.0

# States that a container waits in without fault, as against those that the kubelet names after a fault.
_NORMAL_WAITS = {"ContainerCreating", "PodInitializing"}


class Rollout:
    """Follows a Helm release's workloads, and keeps what it saw: once Helm has taken it back, those pods are gone."""

    def __init__(self, client: AsyncClient, namespace: str, release: str) -> None:
        self._obstacles: dict[str, str] = {}
        self._client = client
        self._namespace = namespace
        self._labels: LabelSelector = {"app.kubernetes.io/instance": release}

    @property
    def obstacles(self) -> list[str]:
        """Every cause seen so far, in that order, one sentence each."""
        return [*self._obstacles.values()]

    async def follow(self, report: Callable[[str], None]) -> None:
        """Looks until it is cancelled, and reports how many replicas are ready each time that this changes."""
        reported = ""
        while True:
            try:
                deployments = [
                    d async for d in self._client.list(Deployment, namespace=self._namespace, labels=self._labels)
                ]
                pods = [p async for p in self._client.list(Pod, namespace=self._namespace, labels=self._labels)]
            except Exception:  # noqa: BLE001, S110 (to tell the cause must never be what breaks a release)
                pass
            else:
                for obstacle in find_obstacles(deployments, pods):
                    # Replicas and looks differ in the details alone: which pod, how long it backs off.
                    self._obstacles.setdefault(": ".join(obstacle.split(": ")[:2]), obstacle)
                progress = ", ".join(sorted(map(_progress, deployments)))
                if progress != reported:
                    report(progress)
                    reported = progress
            await asyncio.sleep(_POLL_SECONDS)


def rollout_hooks(
    name: str, kubeconfig: pulumi.Input[Kubeconfig], release: str, *, told_on: pulumi.Resource
) -> pulumi.ResourceHookBinding:
    """Follows a release for as long as Helm waits for it, and says at its failure what was in its way.

    Source: https://www.pulumi.com/docs/iac/concepts/options/hooks/
    """
    following: list[tuple[Rollout, asyncio.Task[None]]] = []

    def report(progress: str) -> None:
        pulumi.log.info(progress, resource=told_on, ephemeral=True)

    async def follow(hook: pulumi.ResourceHookArgs) -> None:
        cluster = await pulumi.Output.from_input(kubeconfig).future()
        if cluster is None:
            return  # the cluster failed, and with it this release
        rollout = Rollout(cluster.async_client(), (hook.new_inputs or {})["namespace"], release)
        following.append((rollout, asyncio.create_task(rollout.follow(report))))

    async def leave(_: pulumi.ResourceHookArgs) -> None:
        for _rollout, task in following:
            task.cancel()

    async def explain(_: pulumi.ErrorHookArgs) -> bool:
        for rollout, task in following:
            task.cancel()
            for obstacle in rollout.obstacles:
                pulumi.log.error(obstacle, resource=told_on)
        return False  # a release is tried once: the next try is the next update

    before, after = pulumi.ResourceHook(f"{name}-follow", follow), pulumi.ResourceHook(f"{name}-leave", leave)
    return pulumi.ResourceHookBinding(
        before_create=[before],
        before_update=[before],
        after_create=[after],
        after_update=[after],
        on_error=[pulumi.ErrorHook(f"{name}-explain", explain)],
    )


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
    state = container.state or ContainerState()
    if state.waiting and state.waiting.reason and state.waiting.reason not in _NORMAL_WAITS:
        yield f"is in {state.waiting.reason}: {state.waiting.message or 'no message'}"
    # Before the next start the crash is the last state, after it a running container's own past.
    crash = state.terminated or (state.waiting and container.lastState and container.lastState.terminated)
    if crash and crash.exitCode != 0:
        yield f"exited with code {crash.exitCode} ({crash.reason})" + (f": {crash.message}" if crash.message else "")


def _progress(deployment: Deployment) -> str:
    ready = (deployment.status and deployment.status.readyReplicas) or 0
    return f"{_name(deployment)} {ready}/{(deployment.spec and deployment.spec.replicas) or 0} ready"


def _app(pod: Pod) -> str:
    labels = (pod.metadata and pod.metadata.labels) or {}
    return labels.get("app") or (pod.metadata and pod.metadata.name) or "a pod"


def _name(deployment: Deployment) -> str:
    return (deployment.metadata and deployment.metadata.name) or "a deployment"
