"""What keeps pods from being ready, told from objects as the API server has them, and when that is final."""

from typing import Any

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

from kube.rollout.failure_policy import IF_IT_STANDS, SOON, Obstacle, Verdict
from kube.rollout.issues import Scene, find
from tests.support.workloads import RUNNING, container, ended, event, job, node, pod, replica_set, waiting

DRAINED = "0/2 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable."
NO_ROOM = "0/2 nodes are available: 2 Insufficient memory."
TAINTED = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s)."
QUOTA = 'pods "backend-7d9f" is forbidden: exceeded quota: free'
STARTING = pod(container(waiting("ContainerCreating")), uid="other")


def obstacles(*pods: Pod, **scene: Any) -> list[Obstacle]:
    return find(Scene(makers=[replica_set()], pods=pods, **scene))


@pytest.mark.parametrize(
    "starting",
    [
        pod(container(RUNNING, ready=True)),
        pod(container(RUNNING)),
        pod(container(waiting("ContainerCreating"))),
        pod(container(waiting("PodInitializing")), init=RUNNING),
        pod(container(RUNNING), init=ended(0, "Completed")),
        pod(container(RUNNING, last=ended(137, "OOMKilled"), restarts=1)),
        pod(),
        Pod(metadata=ObjectMeta(name="new")),
    ],
    ids=["ready", "not ready yet", "creating", "initializing", "initialized", "again", "scheduled", "new"],
)
def test_a_pod_that_is_only_slow_is_no_obstacle(starting: Pod) -> None:
    assert obstacles(starting) == []


PULLING = "container backend is in ImagePullBackOff"
CONFIG = "container backend is in CreateContainerConfigError"
LOOPING = waiting("CrashLoopBackOff", "back-off 40s")


@pytest.mark.parametrize(
    ("stuck", "told", "final_after"),
    [
        (pod(container(waiting("InvalidImageName"))), "container backend is in InvalidImageName: no message", SOON),
        (
            pod(container(waiting("ErrImageNeverPull", "not present"))),
            "container backend is in ErrImageNeverPull: not present",
            SOON,
        ),
        (
            pod(container(waiting("ErrImagePull", "manifest unknown"))),
            "container backend is in ErrImagePull: manifest unknown",
            IF_IT_STANDS,
        ),
        (
            pod(container(waiting("CreateContainerConfigError", 'secret "app-secrets" not found'))),
            f'{CONFIG}: secret "app-secrets" not found',
            IF_IT_STANDS,
        ),
        (
            pod(container(waiting("CreateContainerConfigError", "failed to sync secret cache: timed out waiting"))),
            f"{CONFIG}: failed to sync secret cache: timed out waiting",
            None,
        ),
        (
            pod(container(waiting("CreateContainerError", 'container name "a" is reserved for "b"'))),
            'container backend is in CreateContainerError: container name "a" is reserved for "b"',
            None,
        ),
        (
            pod(container(waiting("RunContainerError", "exec: no such file"))),
            "container backend is in RunContainerError: exec: no such file",
            IF_IT_STANDS,
        ),
        (
            pod(container(waiting("ImageInspectError", "no answer"))),
            "container backend is in ImageInspectError: no answer",
            None,
        ),
        (pod(container(ended(137, "OOMKilled"))), "container backend exited with code 137 (OOMKilled)", None),
        (
            pod(container(ended(137, "OOMKilled"), restarts=2)),
            "container backend exited with code 137 (OOMKilled)",
            SOON,
        ),
        (
            pod(container(waiting("PodInitializing")), init=ended(1, "Error")),
            "container migrate exited with code 1 (Error)",
            None,
        ),
        (pod(container(LOOPING, restarts=1)), "container backend is in CrashLoopBackOff: back-off 40s", None),
        (pod(container(LOOPING, restarts=2)), "container backend is in CrashLoopBackOff: back-off 40s", SOON),
        (pod(unschedulable=NO_ROOM), f"no node can take its pod: {NO_ROOM}", IF_IT_STANDS),
        (pod(unschedulable="gated", reason="SchedulingGated"), "no node can take its pod: gated", None),
        (pod(unschedulable=NO_ROOM, nominatedNodeName="node-1"), f"no node can take its pod: {NO_ROOM}", None),
        (pod(unschedulable=DRAINED), f"no node can take its pod: {DRAINED}", None),
        (
            pod(unschedulable="no nodes available to schedule pods"),
            "no node can take its pod: no nodes available to schedule pods",
            None,
        ),
    ],
)
def test_a_pod_that_is_stuck_is_told_with_its_cause_and_whether_it_is_final(
    stuck: Pod, told: str, final_after: float | None
) -> None:
    (obstacle,) = obstacles(stuck)

    assert obstacle.sentence == f"backend: {told}"
    assert obstacle.final_after == final_after


@pytest.mark.parametrize(
    "message",
    [
        # containerd
        'rpc error: code = NotFound desc = failed to resolve reference "ghcr.io/a/b:c": ghcr.io/a/b:c: not found',
        'failed to pull and unpack image "a": no match for platform in manifest: not found',
        "failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token: 403 Forbidden",
        "pull access denied, repository does not exist or may require authorization",
        # CRI-O, which OKE's nodes have
        "reading manifest sha-1 in ghcr.io/a/b: manifest unknown",
        "unable to retrieve auth token: invalid username/password: unauthorized",
        "reading manifest a in docker.io/a/b: requested access to the resource is denied",
        'choosing image instance: no image found in image index for architecture "arm64", variant "v8", OS "linux"',
    ],
)
@pytest.mark.parametrize("prefix", ["", 'Back-off pulling image "a": ErrImagePull: '])
def test_an_image_that_is_refused_is_final(message: str, prefix: str) -> None:
    (obstacle,) = obstacles(pod(container(waiting("ImagePullBackOff", prefix + message))))

    assert obstacle.final_after == IF_IT_STANDS


@pytest.mark.parametrize(
    "message",
    [
        'Back-off pulling image "ghcr.io/a/b:c"',
        'failed to do request: Head "https://ghcr.io/v2/": dial tcp: lookup ghcr.io: no such host',
        "dial tcp: lookup ghcr.io on 10.96.5.5:53: read udp: i/o timeout: name not found",
        'Get "https://ghcr.io/v2/": context deadline exceeded: image not found in cache',
        "dial tcp 140.82.121.33:443: connect: connection refused",
        "read tcp: connection reset by peer: not found",
        "net/http: TLS handshake timeout",
        "unexpected status from HEAD request to https://ghcr.io/v2/: 503 Service Unavailable: not found",
        "received unexpected HTTP status: 500 Internal Server Error: not found",
        "denied: toomanyrequests: You have reached your pull rate limit",
        "unexpected status code 429: denied",
        "unexpected EOF: not found",
    ],
)
def test_trouble_with_the_network_is_left_alone(message: str) -> None:
    (obstacle,) = obstacles(pod(container(waiting("ErrImagePull", message))))

    assert obstacle.final_after is None


def test_a_crash_loop_is_told_with_the_code_of_the_last_crash() -> None:
    looping = container(LOOPING, last=ended(3, "Error", "no database"), restarts=2)

    assert [(it.sentence, it.final_after) for it in obstacles(pod(looping))] == [
        ("backend: container backend is in CrashLoopBackOff: back-off 40s", SOON),
        ("backend: container backend exited with code 3 (Error): no database", SOON),
    ]


@pytest.mark.parametrize(
    ("message", "final_after"),
    [
        (QUOTA, IF_IT_STANDS),
        ('pods "a" is forbidden: violates PodSecurity "restricted:latest"', IF_IT_STANDS),
        ('admission webhook "policy" denied the request: no', IF_IT_STANDS),
        ('failed calling webhook "policy": no endpoints available for service "policy"', None),
        ('failed calling webhook "policy": context deadline exceeded', None),
    ],
)
def test_a_pod_that_cannot_be_made_is_told(message: str, final_after: float | None) -> None:
    (obstacle,) = find(Scene([replica_set(failure=message)], []))

    assert (obstacle.sentence, obstacle.final_after) == (f"backend: no pod can be made: {message}", final_after)


def test_a_job_whose_pod_cannot_be_made_is_told_by_its_event() -> None:
    events = [event("FailedCreate", "job-2", QUOTA), event("FailedCreate", "other", "not ours")]

    (obstacle,) = obstacles(jobs=[job()], events=events)

    assert obstacle.sentence == f"migrations: no pod can be made: {QUOTA}"
    assert (obstacle.job, obstacle.final_after) == ("todo-app-migrations", IF_IT_STANDS)
    assert obstacles(pod(container(RUNNING), owner="job-2"), jobs=[job()], events=events) == []


def test_an_obstacle_in_a_pod_of_a_job_names_the_job() -> None:
    found = obstacles(
        pod(container(waiting("InvalidImageName")), owner="job-2"),
        pod(unschedulable=NO_ROOM, owner="job-2", uid="pod-2"),
        pod(container(waiting("InvalidImageName")), uid="pod-3"),
        jobs=[job()],
    )

    assert sorted(obstacle.job for obstacle in found) == ["", "todo-app-migrations", "todo-app-migrations"]


@pytest.mark.parametrize("failure", ["", QUOTA], ids=["node", "quota"])
@pytest.mark.parametrize(
    ("more", "final_after"),
    [
        ([], IF_IT_STANDS),
        ([STARTING], None),
        ([pod(container(RUNNING), uid="other")], None),
        ([pod(container(RUNNING, ready=True), uid="other")], IF_IT_STANDS),
        ([pod(container(waiting("InvalidImageName")), uid="other")], IF_IT_STANDS),
        ([pod(container(ended(0, "Completed")), uid="other", phase="Succeeded")], IF_IT_STANDS),
    ],
    ids=["alone", "creating", "running", "ready", "stuck", "done"],
)
def test_a_pod_that_starts_may_make_room(failure: str, more: list[Pod], final_after: float | None) -> None:
    pods = [*([] if failure else [pod(unschedulable=NO_ROOM)]), *more]

    found = find(Scene([replica_set(failure=failure)], pods))

    assert [obstacle.final_after for obstacle in found if obstacle.trouble == "room"] == [final_after]


@pytest.mark.parametrize("failure", ["", QUOTA], ids=["node", "quota"])
def test_a_pod_that_leaves_makes_room(failure: str) -> None:
    pods = [] if failure else [pod(unschedulable=NO_ROOM)]

    (obstacle,) = find(Scene([replica_set(failure=failure)], pods, leaving=True, leaving_nodes=True))

    assert obstacle.final_after is None


def test_a_pod_that_leaves_elsewhere_frees_no_quota() -> None:
    (obstacle,) = find(Scene([replica_set(failure=QUOTA)], [], leaving_nodes=True))

    assert obstacle.final_after == IF_IT_STANDS


def test_a_quota_is_final_once_it_was_met_again_while_no_room_could_come() -> None:
    clock = Clock()
    verdict = Verdict(clock)

    def look(seconds: float, tries: int, *, leaving: bool = False) -> int:
        clock.now = 100.0 + seconds
        failed = event("FailedCreate", "rs-1", QUOTA, count=tries)
        scene = Scene([replica_set(1, failure=QUOTA)], [], leaving=leaving, events=[failed])
        return len(verdict.final(find(scene), []))

    assert [look(0, 9, leaving=True), look(50, 12)] == [0, 0]
    # The controller has not tried since the last old pod left.
    assert [look(62, 12), look(90, 12)] == [0, 0]
    assert look(91, 13) == 1


@pytest.mark.parametrize(
    ("reason", "about", "final_after"),
    [
        ("TriggeredScaleUp", "pod-1", None),
        ("Nominated", "pod-1", None),
        ("TriggeredScaleUp", "of another release", IF_IT_STANDS),
        ("NotTriggerScaleUp", "pod-1", IF_IT_STANDS),
    ],
)
def test_a_node_that_an_autoscaler_makes_is_waited_for(reason: str, about: str, final_after: float | None) -> None:
    (obstacle,) = obstacles(pod(unschedulable=NO_ROOM), events=[event(reason, about)])

    assert obstacle.final_after == final_after


def test_a_pod_may_fit_on_the_node_that_is_made_for_another() -> None:
    pods = pod(unschedulable=NO_ROOM), pod(unschedulable=NO_ROOM, uid="pod-2"), pod(unschedulable=NO_ROOM, uid="pod-3")
    told = [event("TriggeredScaleUp", "pod-1"), event("NotTriggerScaleUp", "pod-3")]

    found = obstacles(*pods, events=told)

    assert [obstacle.final_after for obstacle in found] == [None, None, IF_IT_STANDS]


@pytest.mark.parametrize(
    ("message", "nodes", "final_after"),
    [
        (TAINTED, [node(), node("node.kubernetes.io/not-ready")], None),
        (TAINTED, [node(), node("node.cloudprovider.kubernetes.io/uninitialized")], None),
        (TAINTED, [node(), node("example.com/gpu")], IF_IT_STANDS),
        (TAINTED, None, None),
        (NO_ROOM, [node(), node("node.kubernetes.io/not-ready")], IF_IT_STANDS),
        (NO_ROOM, None, IF_IT_STANDS),
    ],
)
def test_a_node_that_comes_is_waited_for(message: str, nodes: Any, final_after: float | None) -> None:
    (obstacle,) = obstacles(pod(unschedulable=message), nodes=nodes)

    assert obstacle.final_after == final_after


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def finals(*looks: tuple[float, Pod]) -> list[int]:
    """How many obstacles are final at each look, made so many seconds after the first."""
    clock = Clock()
    verdict = Verdict(clock)
    found: list[int] = []
    for seconds, seen in looks:
        clock.now = 100.0 + seconds
        found.append(len(verdict.final(obstacles(seen), [seen])))
    return found


REFUSED = pod(container(waiting("ErrImagePull", "manifest unknown")))
BACKING_OFF = pod(container(waiting("ImagePullBackOff", "Back-off: manifest unknown")))
OFFLINE = pod(container(waiting("ErrImagePull", "no such host")))
LOOPS = pod(container(LOOPING, restarts=2))


def test_what_stands_long_enough_is_final() -> None:
    assert finals((0, REFUSED), (11.9, BACKING_OFF), (12, REFUSED)) == [0, 0, 1]


def test_what_goes_away_meanwhile_begins_anew() -> None:
    assert finals((0, REFUSED), (6, OFFLINE), (7, REFUSED), (18, REFUSED), (19, REFUSED)) == [0, 0, 0, 0, 1]


def test_the_trouble_of_another_pod_begins_anew() -> None:
    another = pod(container(waiting("ErrImagePull", "manifest unknown")), uid="pod-2")

    assert finals((0, REFUSED), (12, another)) == [0, 0]


def test_what_may_go_away_is_never_final() -> None:
    assert finals((0, OFFLINE), (1000, OFFLINE)) == [0, 0]


def test_a_crash_loop_is_final_soon_unless_it_was_ready_once() -> None:
    assert finals((0, LOOPS), (3, LOOPS)) == [0, 1]
    assert finals((0, pod(container(RUNNING, ready=True))), (1, LOOPS), (60, LOOPS)) == [0, 0, 0]
