"""What keeps pods from being ready, told from objects as the API server has them."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TypeAlias, cast

import httpx2
import pytest
from lightkube import ApiError, AsyncClient
from lightkube.core.exceptions import ConfigError
from lightkube.models.apps_v1 import DeploymentCondition, DeploymentSpec, DeploymentStatus
from lightkube.models.core_v1 import (
    ContainerState,
    ContainerStateRunning,
    ContainerStateTerminated,
    ContainerStateWaiting,
    ContainerStatus,
    PodCondition,
    PodStatus,
    PodTemplateSpec,
)
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta, Status
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from components import rollout
from components.rollout import Rollout, find_obstacles

# What one look at the cluster finds, or what it fails with.
Look: TypeAlias = tuple[Sequence[Deployment], Sequence[Pod]] | Exception

RUNNING = ContainerState(running=ContainerStateRunning())


def waiting(reason: str, message: str | None = None) -> ContainerState:
    return ContainerState(waiting=ContainerStateWaiting(reason=reason, message=message))


def ended(code: int, reason: str, message: str | None = None) -> ContainerState:
    return ContainerState(terminated=ContainerStateTerminated(exitCode=code, reason=reason, message=message))


PULLING = waiting("ImagePullBackOff", 'Back-off pulling image "ghcr.io/example/todo-backend:no"')


def container(state: ContainerState, *, last: ContainerState | None = None, ready: bool = False) -> ContainerStatus:
    return ContainerStatus(
        name="backend", image="", imageID="", restartCount=0, ready=ready, state=state, lastState=last
    )


def pod(*containers: ContainerStatus, init: ContainerState | None = None, unschedulable: str = "") -> Pod:
    scheduled = PodCondition(type="PodScheduled", status="False" if unschedulable else "True", message=unschedulable)
    migrate = ContainerStatus(name="migrate", image="", imageID="", restartCount=0, ready=False, state=init)
    return Pod(
        metadata=ObjectMeta(name="backend-7d9f", labels={"app": "backend"}),
        status=PodStatus(
            conditions=[scheduled],
            containerStatuses=list(containers),
            initContainerStatuses=[migrate] if init else None,
        ),
    )


def deployment(app: str = "backend", *, ready: int = 0, failure: str = "") -> Deployment:
    conditions = [DeploymentCondition(type="Progressing", status="True")]
    if failure:
        conditions.append(DeploymentCondition(type="ReplicaFailure", status="True", message=failure))
    return Deployment(
        metadata=ObjectMeta(name=app),
        spec=DeploymentSpec(selector=LabelSelector(), template=PodTemplateSpec(), replicas=2),
        status=DeploymentStatus(readyReplicas=ready, conditions=conditions),
    )


@pytest.mark.parametrize(
    "starting",
    [
        pod(container(RUNNING, ready=True)),
        pod(container(RUNNING)),
        pod(container(waiting("ContainerCreating"))),
        pod(container(waiting("PodInitializing")), init=RUNNING),
        pod(container(RUNNING), init=ended(0, "Completed")),
        pod(),
        Pod(metadata=ObjectMeta(name="new")),
    ],
    ids=["ready", "not ready yet", "creating", "initializing", "initialized", "scheduled", "new"],
)
def test_a_pod_that_is_only_slow_is_no_obstacle(starting: Pod) -> None:
    assert list(find_obstacles([deployment()], [starting])) == []


@pytest.mark.parametrize(
    ("stuck", "told"),
    [
        (
            pod(container(PULLING)),
            'container backend is in ImagePullBackOff: Back-off pulling image "ghcr.io/example/todo-backend:no"',
        ),
        (
            pod(container(waiting("ErrImagePull", "manifest unknown"))),
            "container backend is in ErrImagePull: manifest unknown",
        ),
        (
            pod(container(waiting("CreateContainerConfigError", 'secret "app-secrets" not found'))),
            'container backend is in CreateContainerConfigError: secret "app-secrets" not found',
        ),
        (
            pod(container(waiting("InvalidImageName"))),
            "container backend is in InvalidImageName: no message",
        ),
        (
            pod(container(ended(137, "OOMKilled"))),
            "container backend exited with code 137 (OOMKilled)",
        ),
        (
            pod(container(waiting("PodInitializing")), init=ended(1, "Error")),
            "container migrate exited with code 1 (Error)",
        ),
        (
            pod(unschedulable="0/2 nodes are available: 2 Insufficient memory."),
            "no node can take its pod: 0/2 nodes are available: 2 Insufficient memory.",
        ),
    ],
)
def test_a_pod_that_is_stuck_is_told_with_its_cause(stuck: Pod, told: str) -> None:
    assert list(find_obstacles([deployment()], [stuck])) == [f"backend: {told}"]


def test_a_crash_loop_is_told_with_the_code_of_the_last_crash() -> None:
    looping = waiting("CrashLoopBackOff", "back-off 40s restarting failed container")

    obstacles = find_obstacles([], [pod(container(looping, last=ended(3, "Error", "no database")))])

    assert list(obstacles) == [
        "backend: container backend is in CrashLoopBackOff: back-off 40s restarting failed container",
        "backend: container backend exited with code 3 (Error): no database",
    ]


def test_a_quota_that_admits_no_pod_is_told() -> None:
    refused = deployment("frontend", failure='pods "frontend-7d9f" is forbidden: exceeded quota: free')

    assert list(find_obstacles([refused], [])) == [
        'frontend: no pod can be made: pods "frontend-7d9f" is forbidden: exceeded quota: free'
    ]


def test_a_crash_that_is_over_is_no_obstacle() -> None:
    recovered = container(RUNNING, last=ended(137, "OOMKilled"), ready=True)

    assert list(find_obstacles([deployment(ready=2)], [pod(recovered)])) == []


class Cluster:
    """Shows a follower one look after the other, and ends it with the last."""

    def __init__(self, *looks: Look) -> None:
        self.asked: set[tuple[str, str]] = set()
        self._looks = iter(looks)
        self._pods: Sequence[Pod] = ()

    async def list(
        self, kind: type[Deployment] | type[Pod], *, namespace: str, labels: dict[str, str]
    ) -> AsyncIterator[Deployment | Pod]:
        self.asked.add((namespace, ",".join(f"{key}={value}" for key, value in labels.items())))
        for found in self._pods if kind is Pod else self._look():
            yield found

    def _look(self) -> Iterable[Deployment]:
        look = next(self._looks, None)
        if look is None:
            raise asyncio.CancelledError
        if isinstance(look, Exception):
            raise look
        deployments, self._pods = look
        return deployments


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "_POLL_SECONDS", 0)


def follow(cluster: Cluster) -> tuple[list[str], list[str]]:
    """The obstacles and the reported progress, once a follower was cancelled after the last look."""
    progress: list[str] = []
    following = Rollout(cast("AsyncClient", cluster), "todo", "todo-app")
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(following.follow(progress.append))
    return following.obstacles, progress


def test_the_workloads_of_the_release_are_followed() -> None:
    cluster = Cluster(([], []))

    follow(cluster)

    assert cluster.asked == {("todo", "app.kubernetes.io/instance=todo-app")}


def test_progress_is_reported_each_time_that_it_changes() -> None:
    _, progress = follow(
        Cluster(
            ([deployment("frontend"), deployment("backend")], []),
            ([deployment("backend"), deployment("frontend")], []),
            ([deployment("frontend", ready=1), deployment("backend")], []),
            ([deployment("frontend", ready=2), deployment("backend", ready=2)], []),
            ([deployment("frontend", ready=2), deployment("backend", ready=2)], []),
        )
    )

    assert progress == [
        "backend 0/2 ready, frontend 0/2 ready",
        "backend 0/2 ready, frontend 1/2 ready",
        "backend 2/2 ready, frontend 2/2 ready",
    ]


def test_an_obstacle_is_remembered_when_its_pod_is_gone() -> None:
    obstacles, _ = follow(Cluster(([], [pod(container(PULLING))]), ([], [])))

    assert len(obstacles) == 1


def test_an_obstacle_of_every_replica_and_every_look_is_told_once() -> None:
    stuck = pod(container(PULLING))

    obstacles, _ = follow(Cluster(([], [stuck, stuck]), ([], [stuck, stuck])))

    assert len(obstacles) == 1


def test_a_crash_loop_is_told_once_however_long_it_goes_on() -> None:
    looping = [waiting("CrashLoopBackOff", f"back-off {seconds}s restarting failed container") for seconds in (10, 20)]

    obstacles, _ = follow(Cluster(*(([], [pod(container(state))]) for state in looping)))

    assert len(obstacles) == 1


def test_obstacles_are_told_in_the_order_in_which_they_were_seen() -> None:
    obstacles, _ = follow(
        Cluster(
            ([], [pod(unschedulable="no memory")]),
            ([deployment(failure="no quota")], [pod(unschedulable="no memory"), pod(container(PULLING))]),
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
        ApiError(status=Status(message="pods is forbidden")),
        httpx2.ConnectError("connection refused"),
        httpx2.ReadTimeout("timed out"),
        ConfigError("Exec oci returned 1"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_look_that_fails_is_followed_by_the_next(error: Exception) -> None:
    obstacles, progress = follow(Cluster(error, ([deployment(ready=2)], [pod(container(PULLING))])))

    assert len(obstacles) == 1
    assert progress == ["backend 2/2 ready"]
