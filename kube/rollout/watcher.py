"""Follows a release while Helm waits for it: says what is in its way, and ends a wait that can never succeed."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pulumi
from lightkube import AsyncClient
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from kube.kubeconfig import Kubeconfig
from kube.rollout.abort import end_hook, end_wait
from kube.rollout.failure_policy import Obstacle, Verdict
from kube.rollout.issues import Scene, find
from kube.rollout.logs import last_lines
from kube.rollout.snapshot import Look, Lookout

_POLL_SECONDS = 1.0
_LOG_SECONDS = 3.0


class Rollout:
    """Follows a Helm release's workloads, and keeps what it saw: once Helm has taken it back, those pods are gone."""

    def __init__(self, client: AsyncClient, namespace: str, release: str, secrets: Sequence[str]) -> None:
        self._client = client
        self._namespace = namespace
        self._release = release
        self._secrets = secrets
        self._lookout = Lookout(client, namespace, release)
        self._verdict = Verdict()
        self._began = time.monotonic()
        self._told: dict[tuple[str, str], str] = {}
        self._final: list[Obstacle] = []
        self._read: set[tuple[str, str]] = set()
        self._may_end = False
        self._ended = ""

    @property
    def obstacles(self) -> list[str]:
        """Every cause seen so far, in that order but what ended the wait first; then how it was ended, if it was."""
        final = {_cause(obstacle) for obstacle in self._final}
        causes = sorted(self._told, key=lambda cause: cause not in final)
        return [*(self._told[cause] for cause in causes), *filter(None, [self._ended])]

    async def begin(self) -> None:
        """Is called before Helm does anything, or the wait is never ended."""
        with suppress(Exception):  # to follow must never be what breaks a release
            await self._lookout.begin()
            self._may_end = True

    async def follow(self, report: Callable[[str], None]) -> None:
        """Looks until it is cancelled or has ended the wait; reports how many replicas are ready when that changes."""
        reported = ""
        while not self._ended:
            with suppress(Exception):  # as above; what fails now may not at the next look
                look = await self._lookout.look()
                progress = ", ".join(sorted(map(_progress, look.deployments)))
                if progress != reported:
                    report(progress)
                    reported = progress
                await self._judge(look)
            await asyncio.sleep(_POLL_SECONDS)
        # Nothing is looked at on Helm's way back: it waits again, and the bad pods are still there for a while.
        report("it can never become ready: Helm takes the release back")

    async def _judge(self, look: Look) -> None:
        obstacles = find(look.scene)
        for obstacle in obstacles:
            await self._remember(obstacle)
        final = self._verdict.final(obstacles, look.scene.pods)
        self._final = [obstacle for obstacle in final if obstacle.job or look.waits]
        if self._final and self._may_end:
            self._ended = await self._end(self._final[0])

    async def _remember(self, obstacle: Obstacle) -> None:
        # Replicas and looks differ in the details alone: which pod, how long it backs off.
        self._told.setdefault(_cause(obstacle), obstacle.sentence)
        container = obstacle.uid, obstacle.container
        if obstacle.trouble != "crash" or container in self._read:
            return
        self._read.add(container)
        try:
            async with asyncio.timeout(_LOG_SECONDS):
                lines = await last_lines(self._client, self._namespace, obstacle.pod, obstacle.container, self._secrets)
        except Exception:  # noqa: BLE001 (a node may not answer)
            return
        if lines:
            printed = f"container {obstacle.container} printed at last"
            self._told.setdefault((obstacle.app, printed), "\n    ".join([f"{obstacle.app}: {printed}", *lines]))

    async def _end(self, obstacle: Obstacle) -> str:
        if obstacle.job:
            traces = await end_hook(self._client, self._namespace, obstacle.job)
        else:
            traces = await end_wait(self._client, self._namespace, self._release)
        seconds = round(time.monotonic() - self._began)
        return f"this can never become ready, so its wait was ended after {seconds} s: hence Helm's own error, {traces}"


def rollout_hooks(
    name: str, kubeconfig: pulumi.Input[Kubeconfig], release: str, secrets: Sequence[str], *, told_on: pulumi.Resource
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
        rollout = Rollout(cluster.async_client(), (hook.new_inputs or {})["namespace"], release, secrets)
        await rollout.begin()
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


def find_obstacles(deployments: Sequence[Deployment], pods: Sequence[Pod]) -> Iterator[str]:
    """What keeps these workloads from being ready, one sentence for each cause."""
    return (obstacle.sentence for obstacle in find(Scene(deployments, pods)))


def _cause(obstacle: Obstacle) -> tuple[str, str]:
    return obstacle.app, obstacle.state


def _progress(deployment: Deployment) -> str:
    ready = (deployment.status and deployment.status.readyReplicas) or 0
    wanted = (deployment.spec and deployment.spec.replicas) or 0
    return f"{(deployment.metadata and deployment.metadata.name) or 'a deployment'} {ready}/{wanted} ready"
