"""What a watcher reports of a rollout, and how it aborts one that cannot succeed."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from lightkube import ApiError
from lightkube.core.exceptions import ConfigError
from lightkube.models.meta_v1 import Status

from kube.rollout.watcher import RolloutWatcher, Timing
from tests.support.workloads import (
    RUNNING,
    Clock,
    Cluster,
    Moment,
    container,
    deployment,
    ended,
    job,
    pod,
    replica_set,
    waiting,
)

PULLING = waiting("ImagePullBackOff", "manifest unknown")
LOOPING = waiting("CrashLoopBackOff", "back-off 40s")
BEFORE = Moment(revision="1", deployments=[deployment(generation=1)])
EMPTY = Moment(deployments=[deployment()], replica_sets=[replica_set()])
STUCK = replace(EMPTY, pods=[pod(container(PULLING))])
CRASHING = replace(EMPTY, pods=[pod(container(LOOPING, last=ended(3, "Error"), restarts=2))])
HOOK = Moment(revision="1", jobs=[job()], pods=[pod(container(PULLING), owner="job-2")])

FORBIDDEN = ApiError(status=Status(code=403))
ABORT = ("delete", "todo/Service/todo-app-rollout", None)
MINUTE = Clock(step=60)  # whatever can be terminal is so at its second snapshot


def watch(cluster: Cluster, clock: Clock | None = None) -> tuple[list[str], list[str]]:
    """Return the messages and the progress, once the wait is aborted or the moments are over."""
    progress: list[str] = []
    timing = Timing(clock or Clock(), poll_seconds=0)
    watcher = RolloutWatcher(cluster.client, "todo", "todo-app", ["app-secrets", "kafka-secrets"], timing)

    async def watch() -> None:
        await watcher.start()
        await watcher.watch(progress.append)

    with suppress(asyncio.CancelledError):
        asyncio.run(asyncio.wait_for(watch(), 60))
    return watcher.messages, progress


def test_progress_of_the_release_is_echoed_when_it_changes() -> None:
    def ready(frontend: int, backend: int) -> Moment:
        return Moment(deployments=[deployment("frontend", ready=frontend), deployment("backend", ready=backend)])

    cluster = Cluster([BEFORE, ready(0, 0), ready(0, 0), ready(1, 0), ready(2, 2), ready(2, 2)])

    _, progress = watch(cluster)

    assert cluster.lists == {("todo", "app.kubernetes.io/instance=todo-app")}
    assert progress == [
        "backend 0/2 ready, frontend 0/2 ready",
        "backend 0/2 ready, frontend 1/2 ready",
        "backend 2/2 ready, frontend 2/2 ready",
    ]


BACKING_OFF = [waiting("CrashLoopBackOff", f"back-off {seconds}s restarting failed container") for seconds in (10, 20)]


@pytest.mark.parametrize(
    "moments",
    [
        [STUCK, EMPTY],
        [STUCK, STUCK],
        [replace(EMPTY, pods=[pod(container(PULLING), uid="1"), pod(container(PULLING), uid="2")])],
        [replace(EMPTY, pods=[pod(container(state))]) for state in BACKING_OFF],
    ],
    ids=["gone", "persistent", "two replicas", "crash loop"],
)
def test_issue_is_reported_once(moments: list[Moment]) -> None:
    messages, _ = watch(Cluster([BEFORE, *moments]))

    assert len(messages) == 1


def test_issues_are_reported_in_the_order_in_which_they_appear() -> None:
    unschedulable = pod(unschedulable="no memory", uid="unschedulable")
    later = replace(STUCK, replica_sets=[replica_set(failure="no quota")], pods=[*STUCK.pods, unschedulable])

    messages, _ = watch(Cluster([BEFORE, replace(EMPTY, pods=[unschedulable]), later]))

    assert [message.split(":")[1] for message in messages] == [
        " cannot schedule its pod",
        " cannot create a pod",
        " container backend is in ImagePullBackOff",
    ]


@pytest.mark.parametrize("error", [FORBIDDEN, httpx2.ReadTimeout("timed out"), ConfigError("Exec oci returned 1")])
def test_failed_snapshot_is_followed_by_the_next(error: Exception) -> None:
    messages, progress = watch(Cluster([BEFORE, Moment(error=error), STUCK]))

    assert len(messages) == 1
    assert progress == ["backend 0/2 ready"]


@pytest.mark.parametrize("refusals", [0, 2])
def test_rollout_that_cannot_succeed_is_aborted_once(refusals: int) -> None:
    cluster = Cluster([BEFORE, *[STUCK] * 5], refusals=refusals)

    messages, progress = watch(cluster, MINUTE)

    assert cluster.changes == [ABORT]
    assert messages[0] == "backend: container backend is in ImagePullBackOff: manifest unknown"
    assert messages[1].endswith('services "todo-app-rollout" not found')
    assert "Helm rolls the release back" in progress[-1]


def test_hook_that_cannot_succeed_is_made_to_fail() -> None:
    cluster = Cluster([BEFORE, HOOK, HOOK])

    messages, _ = watch(cluster, MINUTE)

    assert cluster.changes == [("patch", "todo/Job/todo-app-migrations", {"spec": {"activeDeadlineSeconds": 1}})]
    assert messages[-1].endswith("job todo-app-migrations failed: DeadlineExceeded")


@pytest.mark.parametrize(
    "moments",
    [
        [BEFORE, *[replace(STUCK, revision="1")] * 3],
        [BEFORE, *[replace(STUCK, revision=None)] * 3],
        [Moment(error=httpx2.ReadTimeout("")), *[STUCK] * 3],
        [Moment(error=httpx2.ReadTimeout("")), *[HOOK] * 3],
        [BEFORE, *[replace(EMPTY, pods=[pod(container(RUNNING))])] * 3],
        [BEFORE, *[replace(EMPTY, pods=[pod(container(LOOPING, restarts=1))])] * 3],
        [BEFORE, STUCK, CRASHING],
    ],
    ids=["rollback", "no abort Service", "no baseline", "no baseline of jobs", "slow", "first crash", "new issue"],
)
def test_rollout_that_may_succeed_is_not_aborted(moments: list[Moment]) -> None:
    cluster = Cluster(moments)

    watch(cluster, MINUTE)

    assert cluster.changes == []


def test_terminal_issue_is_reported_first() -> None:
    slow = pod(container(waiting("ErrImagePull", "no such host")), uid="pod-2", app="frontend")
    both = replace(STUCK, pods=[slow, *STUCK.pods])

    messages, _ = watch(Cluster([BEFORE, replace(EMPTY, pods=[slow]), both, both]), MINUTE)

    assert [message.partition(":")[0] for message in messages][:2] == ["backend", "frontend"]


SECRETS = {"username": "canary-user"}


def test_crash_is_reported_with_its_last_log_lines_without_secrets() -> None:
    lines = [*(f"line {n}" for n in range(20)), "as canary-user"]
    cluster = Cluster([BEFORE, CRASHING, CRASHING], SECRETS, lines)

    messages, _ = watch(cluster)

    log = next(message for message in messages if "last log lines" in message).splitlines()[1:]
    assert [line.strip() for line in log] == [*lines[-10:-1], "as [secret]"]
    assert cluster.logs_read == [("backend-7d9f", "backend")]


@pytest.mark.parametrize("log", [FORBIDDEN, httpx2.ReadTimeout("")])
def test_crash_without_a_log_is_reported(log: Any) -> None:
    messages, _ = watch(Cluster([BEFORE, CRASHING], SECRETS, log))

    assert [message.split(": ")[1] for message in messages] == [
        "container backend is in CrashLoopBackOff",
        "container backend exited with code 3 (Error)",
    ]
