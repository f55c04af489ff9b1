"""Issues in objects as the API server has them."""

from typing import Any

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

from kube.rollout.issues import Issue, find_issues
from kube.rollout.snapshot import Snapshot
from tests.support.workloads import RUNNING, container, ended, event, job, node, pod, replica_set, waiting

TOO_SMALL = "0/2 nodes are available: 2 Insufficient memory."
TAINTED = "0/2 nodes are available: 2 node(s) had untolerated taint(s)."
QUOTA = 'pods "backend-7d9f" is forbidden: exceeded quota: free'
INVALID_IMAGE = container(waiting("InvalidImageName"))
LOOPING = waiting("CrashLoopBackOff", "back-off 40s")


def issues(*pods: Pod, failure: str | None = None, **snapshot: Any) -> list[Issue]:
    return find_issues(Snapshot([replica_set(failure=failure)], pods, **snapshot))


@pytest.mark.parametrize(
    "slow",
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
    ids=["ready", "running", "creating", "initializing", "initialized", "restarted", "scheduled", "new"],
)
def test_slow_pod_has_no_issue(slow: Pod) -> None:
    assert issues(slow) == []


@pytest.mark.parametrize(
    ("stuck", "sentence", "kind", "is_terminal"),
    [
        (pod(INVALID_IMAGE), "container backend is in InvalidImageName: no message", "image", True),
        (
            pod(container(waiting("RunContainerError", "exec: no such file"))),
            "container backend is in RunContainerError: exec: no such file",
            "create",
            True,
        ),
        (pod(container(LOOPING, restarts=1)), "container backend is in CrashLoopBackOff: back-off 40s", "crash", False),
        (pod(container(LOOPING, restarts=2)), "container backend is in CrashLoopBackOff: back-off 40s", "crash", True),
        (pod(container(ended(137, "OOMKilled"))), "container backend exited with code 137 (OOMKilled)", "crash", False),
        (
            pod(container(waiting("PodInitializing")), init=ended(1, "Error", "no table")),
            "container migrate exited with code 1 (Error): no table",
            "crash",
            False,
        ),
        (pod(unschedulable=TOO_SMALL), f"cannot schedule its pod: {TOO_SMALL}", "schedule", True),
        (pod(unschedulable="g", scheduling="SchedulingGated"), "cannot schedule its pod: g", "schedule", False),
        (pod(unschedulable="m", nominatedNodeName="node-1"), "cannot schedule its pod: m", "schedule", False),
    ],
)
def test_stuck_pod_is_reported_with_its_cause(stuck: Pod, sentence: str, kind: str, *, is_terminal: bool) -> None:
    (issue,) = issues(stuck)

    assert issue.sentence == f"backend: {sentence}"
    assert (issue.kind, issue.terminal_after is not None) == (kind, is_terminal)


def test_crash_loop_is_reported_with_the_exit_code_of_the_last_crash() -> None:
    looping = container(LOOPING, last=ended(3, "Error", "no database"), restarts=2)

    assert [issue.sentence for issue in issues(pod(looping))] == [
        "backend: container backend is in CrashLoopBackOff: back-off 40s",
        "backend: container backend exited with code 3 (Error): no database",
    ]


def test_hook_whose_pod_cannot_be_created_is_reported_by_its_event() -> None:
    events = [event("FailedCreate", "job-2", QUOTA), event("FailedCreate", "other", "not ours")]

    (issue,) = issues(jobs=[job()], events=events)

    assert issue.sentence == f"migrations: cannot create a pod: {QUOTA}"
    assert issue.job == "todo-app-migrations"
    assert issue.terminal_after is not None
    assert issues(pod(container(RUNNING), owner="job-2"), jobs=[job()], events=events) == []


@pytest.mark.parametrize("failure", [None, QUOTA], ids=["node", "quota"])
@pytest.mark.parametrize(
    ("other", "is_terminal"),
    [
        (pod(container(waiting("ContainerCreating")), uid="other"), False),
        (pod(container(RUNNING), uid="other"), False),
        (pod(container(RUNNING, ready=True), uid="other"), True),
        (pod(INVALID_IMAGE, uid="other"), True),
        (pod(container(ended(0, "Completed")), uid="other", phase="Succeeded"), True),
    ],
    ids=["creating", "running", "ready", "stuck", "done"],
)
def test_starting_pod_may_free_capacity(failure: str | None, other: Pod, *, is_terminal: bool) -> None:
    pods = [other] if failure else [pod(unschedulable=TOO_SMALL), other]

    found = [issue for issue in issues(*pods, failure=failure) if issue.kind == "schedule"]

    assert [issue.terminal_after is not None for issue in found] == [is_terminal]


@pytest.mark.parametrize(
    ("terminating", "quota_is_terminal", "nodes_are_terminal"),
    [
        ({"terminating_in_namespace": True, "terminating_in_cluster": True}, False, False),
        ({"terminating_in_cluster": True}, True, False),
        ({}, True, True),
    ],
    ids=["namespace", "elsewhere", "none"],
)
def test_terminating_pod_frees_its_node_and_the_quota_of_its_namespace(
    terminating: dict[str, Any], *, quota_is_terminal: bool, nodes_are_terminal: bool
) -> None:
    (quota,) = issues(failure=QUOTA, **terminating)
    (nodes,) = issues(pod(unschedulable=TOO_SMALL), **terminating)

    assert (quota.terminal_after is not None) == quota_is_terminal
    assert (nodes.terminal_after is not None) == nodes_are_terminal


@pytest.mark.parametrize(
    ("reason", "about", "is_terminal"),
    [
        ("TriggeredScaleUp", "pod-1", False),
        ("Nominated", "pod-1", False),
        ("TriggeredScaleUp", "pod of another release", True),
        ("NotTriggerScaleUp", "pod-1", True),
    ],
)
def test_node_from_an_autoscaler_is_awaited(reason: str, about: str, *, is_terminal: bool) -> None:
    (issue,) = issues(pod(unschedulable=TOO_SMALL), events=[event(reason, about)])

    assert (issue.terminal_after is not None) == is_terminal


def test_pod_may_fit_on_the_node_that_comes_for_another() -> None:
    pods = [pod(unschedulable=TOO_SMALL, uid=f"pod-{n}") for n in (1, 2, 3)]
    events = [event("TriggeredScaleUp", "pod-1"), event("NotTriggerScaleUp", "pod-3")]

    found = issues(*pods, events=events)

    assert [issue.uid for issue in found if issue.terminal_after is not None] == ["pod-3"]


@pytest.mark.parametrize(
    ("nodes", "is_terminal"),
    [([node(), node("node.kubernetes.io/not-ready")], False), ([node(), node("example.com/gpu")], True), (None, False)],
)
def test_tainted_node_that_may_become_ready_is_awaited(nodes: Any, *, is_terminal: bool) -> None:
    (issue,) = issues(pod(unschedulable=TAINTED), nodes=nodes)

    assert (issue.terminal_after is not None) == is_terminal
