"""How long an issue must persist to be terminal."""

from lightkube.resources.core_v1 import Pod

from kube.rollout.failure_policy import FailurePolicy
from kube.rollout.issues import find_issues
from kube.rollout.snapshot import Snapshot
from tests.support.workloads import RUNNING, Clock, container, event, pod, replica_set, waiting

REFUSED = pod(container(waiting("ErrImagePull", "manifest unknown")))
BACKING_OFF = pod(container(waiting("ImagePullBackOff", "Back-off: manifest unknown")))
OFFLINE = pod(container(waiting("ErrImagePull", "no such host")))
LOOPING = pod(container(waiting("CrashLoopBackOff"), restarts=2))


def terminal_at(*snapshots: tuple[float, Pod]) -> list[float]:
    """Return the seconds after the start at which a snapshot of one pod has a terminal issue."""
    clock = Clock()
    policy = FailurePolicy(clock)
    found: list[float] = []
    for seconds, seen in snapshots:
        clock.now = seconds
        if policy.terminal(find_issues(Snapshot([replica_set()], [seen])), [seen]):
            found.append(seconds)
    return found


def test_issue_that_persists_is_terminal() -> None:
    assert terminal_at((0, REFUSED), (11.9, BACKING_OFF), (12, REFUSED)) == [12]


def test_issue_that_resolves_meanwhile_starts_again() -> None:
    assert terminal_at((0, REFUSED), (6, OFFLINE), (7, REFUSED), (18, REFUSED), (19, REFUSED)) == [19]


def test_issue_of_another_pod_starts_again() -> None:
    another = pod(container(waiting("ErrImagePull", "manifest unknown")), uid="pod-2")

    assert terminal_at((0, REFUSED), (12, another)) == []


def test_retriable_issue_is_never_terminal() -> None:
    assert terminal_at((0, OFFLINE), (1000, OFFLINE)) == []


def test_crash_loop_is_terminal_soon_unless_the_container_was_ready_once() -> None:
    ready = pod(container(RUNNING, ready=True))

    assert terminal_at((0, LOOPING), (3, LOOPING)) == [3]
    assert terminal_at((0, ready), (1, LOOPING), (60, LOOPING)) == []


def test_quota_is_terminal_once_it_is_exceeded_again_while_none_may_become_free() -> None:
    clock = Clock()
    policy = FailurePolicy(clock)

    def is_terminal(seconds: float, attempts: int, *, terminating: bool = False) -> bool:
        clock.now = seconds
        quota = 'pods "backend-7d9f" is forbidden: exceeded quota: free'
        failed = event("FailedCreate", "rs-1", quota, count=attempts)
        controllers = [replica_set(1, failure=quota)]
        snapshot = Snapshot(controllers, [], terminating_in_namespace=terminating, events=[failed])
        return bool(policy.terminal(find_issues(snapshot), []))

    assert not is_terminal(0, 9, terminating=True)
    assert not is_terminal(50, 12)
    # The controller has not retried since the last old pod terminated.
    assert not is_terminal(90, 12)
    assert is_terminal(91, 13)
