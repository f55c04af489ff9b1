"""Pulumi hooks that watch a Helm release for as long as Helm waits for it."""

import asyncio
from collections.abc import Sequence

import pulumi

from kube.kubeconfig import Kubeconfig
from kube.rollout.watcher import RolloutWatcher


def rollout_hooks(
    kubeconfig: pulumi.Input[Kubeconfig],
    release: str,
    secrets: Sequence[str],
    *,
    resource: pulumi.Resource,
    before: Sequence[pulumi.ResourceHook] = (),
) -> pulumi.ResourceHookBinding:
    """Return hooks that log a Helm release's progress on a resource, and its issues if it fails.

    secrets: names of the Kubernetes secrets to redact in logs. before: hooks that run first.
    Source: https://www.pulumi.com/docs/iac/concepts/options/hooks/
    """
    watchers: list[tuple[RolloutWatcher, asyncio.Task[None]]] = []

    def echo(progress: str) -> None:
        pulumi.log.info(progress, resource=resource, ephemeral=True)

    async def watch(hook: pulumi.ResourceHookArgs) -> None:
        cluster = await pulumi.Output.from_input(kubeconfig).future()
        if cluster is None:
            return  # the cluster failed, and the release with it
        namespace = (hook.new_inputs or {})["namespace"]
        watcher = RolloutWatcher(cluster.async_client(), namespace, release, secrets)
        await watcher.start()
        watchers.append((watcher, asyncio.create_task(watcher.watch(echo))))

    async def stop(_: pulumi.ResourceHookArgs) -> None:
        for _watcher, task in watchers:
            task.cancel()

    async def explain(_: pulumi.ErrorHookArgs) -> bool:
        for watcher, task in watchers:
            task.cancel()
            for message in watcher.messages:
                pulumi.log.error(message, resource=resource)
        return False  # no retry within this update

    first = [*before, pulumi.ResourceHook(f"{release}-watch", watch)]
    last = [pulumi.ResourceHook(f"{release}-stop", stop)]
    return pulumi.ResourceHookBinding(
        before_create=first,
        before_update=first,
        after_create=last,
        after_update=last,
        on_error=[pulumi.ErrorHook(f"{release}-explain", explain)],
    )
