"""What a follower tells of a release, and how it ends a wait that can never succeed."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from lightkube import ApiError
from lightkube.core.exceptions import ConfigError
from lightkube.models.meta_v1 import Status

from kube.rollout import failure_policy, watcher
from kube.rollout.watcher import Rollout, find_obstacles
from tests.support.workloads import (
    RUNNING,
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
BEFORE = Moment(gate="1", deployments=[deployment(generation=1)])
EMPTY = Moment(gate="2", deployments=[deployment()], replica_sets=[replica_set()])
STUCK = replace(EMPTY, pods=[pod(container(PULLING))])
CRASHING = replace(EMPTY, pods=[pod(container(LOOPING, last=ended(3, "Error"), restarts=2))])
HOOK = Moment(gate="1", jobs=[job()], pods=[pod(container(PULLING), owner="job-2")])

ENDED = "this can never become ready, so its wait was ended after 0 s: hence Helm's own error, "
GATE = ("delete", "todo/Service/todo-app-rollout", None)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "_POLL_SECONDS", 0)


@pytest.fixture
def sure_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever can be final is so at the first look."""
    monkeypatch.setattr(failure_policy, "IF_IT_STANDS", 0)
    monkeypatch.setattr(failure_policy, "SOON", 0)


def follow(cluster: Cluster) -> tuple[list[str], list[str]]:
    """The obstacles and the reported progress, once a follower has ended or was cancelled after the last moment."""
    progress: list[str] = []
    following = Rollout(cluster.client, "todo", "todo-app", ["app-secrets", "kafka-secrets"])

    async def follow() -> None:
        await following.begin()
        await following.follow(progress.append)

    with suppress(asyncio.CancelledError):
        asyncio.run(asyncio.wait_for(follow(), 10))
    return following.obstacles, progress


def test_the_workloads_of_the_release_are_followed() -> None:
    cluster = Cluster([BEFORE, EMPTY])

    follow(cluster)

    assert cluster.asked == {("todo", "app.kubernetes.io/instance=todo-app")}


def test_progress_is_reported_each_time_that_it_changes() -> None:
    def ready(frontend: int, backend: int) -> Moment:
        return Moment(deployments=[deployment("frontend", ready=frontend), deployment("backend", ready=backend)])

    _, progress = follow(Cluster([BEFORE, ready(0, 0), ready(0, 0), ready(1, 0), ready(2, 2), ready(2, 2)]))

    assert progress == [
        "backend 0/2 ready, frontend 0/2 ready",
        "backend 0/2 ready, frontend 1/2 ready",
        "backend 2/2 ready, frontend 2/2 ready",
    ]


def test_an_obstacle_is_remembered_when_its_pod_is_gone() -> None:
    obstacles, _ = follow(Cluster([BEFORE, STUCK, EMPTY]))

    assert obstacles == ["backend: container backend is in ImagePullBackOff: manifest unknown"]


def test_an_obstacle_of_every_replica_and_every_look_is_told_once() -> None:
    both = replace(EMPTY, pods=[pod(container(PULLING), uid="1"), pod(container(PULLING), uid="2")])

    obstacles, _ = follow(Cluster([BEFORE, both, both]))

    assert len(obstacles) == 1


def test_a_crash_loop_is_told_once_however_long_it_goes_on() -> None:
    looping = [waiting("CrashLoopBackOff", f"back-off {seconds}s restarting failed container") for seconds in (10, 20)]

    obstacles, _ = follow(Cluster([BEFORE, *(replace(EMPTY, pods=[pod(container(state))]) for state in looping)]))

    assert len(obstacles) == 1


def test_obstacles_are_told_in_the_order_in_which_they_were_seen() -> None:
    homeless = pod(unschedulable="no memory", uid="homeless")
    obstacles, _ = follow(
        Cluster(
            [
                BEFORE,
                replace(EMPTY, pods=[homeless]),
                replace(STUCK, replica_sets=[replica_set(failure="no quota")], pods=[*STUCK.pods, homeless]),
            ]
        )
    )

    assert [obstacle.split(":")[1] for obstacle in obstacles] == [
        " no node can take its pod",
        " no pod can be made",
        " container backend is in ImagePullBackOff",
    ]


@pytest.mark.parametrize(
    "error",
    [
        ApiError(status=Status(message="pods is forbidden", code=403)),
        httpx2.ConnectError("connection refused"),
        httpx2.ReadTimeout("timed out"),
        ConfigError("Exec oci returned 1"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_look_that_fails_is_followed_by_the_next(error: Exception) -> None:
    obstacles, progress = follow(Cluster([BEFORE, Moment(fails=error), STUCK]))

    assert len(obstacles) == 1
    assert progress == ["backend 0/2 ready"]


@pytest.mark.usefixtures("sure_at_once")
def test_a_wait_that_can_never_succeed_is_ended_once() -> None:
    cluster = Cluster([BEFORE, STUCK, STUCK, STUCK])

    obstacles, progress = follow(cluster)

    assert cluster.done == [GATE]
    assert obstacles == [
        "backend: container backend is in ImagePullBackOff: manifest unknown",
        f'{ENDED}services "todo-app-rollout" not found',
    ]
    assert progress[-1] == "it can never become ready: Helm takes the release back"


@pytest.mark.usefixtures("sure_at_once")
def test_a_hook_that_can_never_succeed_is_made_to_fail() -> None:
    cluster = Cluster([BEFORE, HOOK, HOOK])

    obstacles, _ = follow(cluster)

    assert cluster.done == [("patch", "todo/Job/todo-app-migrations", {"spec": {"activeDeadlineSeconds": 1}})]
    assert obstacles[-1] == f"{ENDED}job todo-app-migrations failed: DeadlineExceeded"


@pytest.mark.usefixtures("sure_at_once")
@pytest.mark.parametrize(
    "left_alone",
    [
        [BEFORE, replace(STUCK, gate="1")],
        [BEFORE, replace(STUCK, gate=None)],
        [Moment(fails=httpx2.ReadTimeout("")), STUCK],
        [Moment(fails=httpx2.ReadTimeout("")), HOOK],
        [BEFORE, replace(EMPTY, pods=[pod(container(RUNNING))])],
        [BEFORE, replace(EMPTY, pods=[pod(container(LOOPING, restarts=1))])],
    ],
    ids=["Helm goes back", "there is no gate", "nothing known before", "no job known before", "slow", "first crash"],
)
def test_what_may_become_ready_is_left_alone(left_alone: list[Moment]) -> None:
    cluster = Cluster(left_alone * 2)

    follow(cluster)

    assert cluster.done == []


def test_what_has_only_begun_is_left_alone() -> None:
    cluster = Cluster([BEFORE, STUCK, STUCK, CRASHING, CRASHING])

    follow(cluster)

    assert cluster.done == []


@pytest.mark.usefixtures("sure_at_once")
def test_an_end_that_fails_is_tried_again_and_breaks_nothing() -> None:
    cluster = Cluster([BEFORE, STUCK, STUCK, STUCK], refusals=2)

    obstacles, _ = follow(cluster)

    assert cluster.done == [GATE]
    assert len(obstacles) == 2


@pytest.mark.usefixtures("sure_at_once")
def test_what_ended_the_wait_is_told_first() -> None:
    slow = pod(container(waiting("ErrImagePull", "no such host")), uid="pod-2")
    slow.metadata.labels = {"app": "frontend"}  # pyright: ignore[reportOptionalMemberAccess]

    obstacles, _ = follow(Cluster([BEFORE, replace(EMPTY, pods=[slow]), replace(STUCK, pods=[slow, *STUCK.pods])]))

    assert [obstacle.partition(":")[0] for obstacle in obstacles][:2] == ["backend", "frontend"]


SECRETS = {"database-url": "postgresql://todo:canary%2Fpassword@db/todo", "username": "canary-user"}


def test_a_crash_is_told_with_its_last_lines_without_secrets() -> None:
    lines = [
        *(f"line {n}" for n in range(20)),
        "no postgresql://todo:canary%2Fpassword@db/todo as canary-user",
        "canary/password or canary%2Fpassword",
    ]
    cluster = Cluster([BEFORE, CRASHING, CRASHING], SECRETS, lines)

    obstacles, _ = follow(cluster)

    assert obstacles[:2] == [
        "backend: container backend is in CrashLoopBackOff: back-off 40s",
        "backend: container backend printed at last\n    "
        + "\n    ".join([*(f"line {n}" for n in range(12, 20)), "no [secret] as [secret]", "[secret] or [secret]"]),
    ]
    assert cluster.logs_read == [("backend-7d9f", "backend")]


@pytest.mark.parametrize("log", [ApiError(status=Status(code=400)), httpx2.ReadTimeout("")], ids=["none", "no answer"])
def test_a_crash_without_a_log_is_told_all_the_same(log: Any) -> None:
    obstacles, _ = follow(Cluster([BEFORE, CRASHING], SECRETS, log))

    assert [obstacle.split(": ")[1] for obstacle in obstacles] == [
        "container backend is in CrashLoopBackOff",
        "container backend exited with code 3 (Error)",
    ]


def test_the_obstacles_of_given_workloads_are_sentences() -> None:
    assert [*find_obstacles([deployment()], [pod(container(PULLING))])] == [
        "backend: container backend is in ImagePullBackOff: manifest unknown"
    ]
