"""Objects that a release has made, and objects that were there before it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from lightkube import ApiError
from lightkube.models.meta_v1 import Status

from kube.objects import uid
from kube.rollout.snapshot import Snapshot
from kube.rollout.tracker import ReleaseTracker
from tests.support.workloads import (
    RUNNING,
    Clock,
    Cluster,
    Moment,
    container,
    deployment,
    event,
    job,
    node,
    pod,
    replica_set,
    terminating,
)

OLD, NEW = pod(container(RUNNING), owner="rs-1", uid="old"), pod(container(RUNNING), owner="rs-2", uid="new")
BEFORE = Moment(revision="1", deployments=[deployment(generation=1)])
AFTER = Moment(deployments=[deployment()], replica_sets=[replica_set(1), replica_set(2)], pods=[OLD, NEW])
FORBIDDEN = ApiError(status=Status(code=403))


def snapshots(*moments: Moment, times: tuple[float, ...] = ()) -> list[Snapshot]:
    """Return the snapshots of each moment after the first, taken at these times."""
    clock = Clock()
    cluster = Cluster(moments)
    tracker = ReleaseTracker(cluster.client, "todo", "todo-app", clock)

    async def track() -> list[Snapshot]:
        await tracker.start()
        found: list[Snapshot] = []
        for index, _ in enumerate(moments[1:]):
            clock.now = times[index] if times else 0
            found.append(await tracker.snapshot())
        return found

    found = asyncio.run(track())
    assert {namespace for namespace, _ in cluster.lists} <= {"todo", "*", None}
    return found


def pods(snapshot: Snapshot) -> list[str | None]:
    return [uid(pod) for pod in snapshot.pods]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ["new"]),
        # A release that returns to an older template gives its ReplicaSet the next revision.
        (
            {"replica_sets": [replica_set(10), replica_set(9)], "pods": [pod(owner="rs-10"), pod(owner="rs-9")]},
            ["pod-1"],
        ),
        ({"deployments": [deployment(observed=1)]}, []),
        ({"replica_sets": [replica_set(2, owner="another")]}, []),
        ({"pods": [terminating(pod())]}, []),
        ({"pods": [NEW, pod(uid="evicted", phase="Failed", reason="Evicted")]}, ["new"]),
        ({"jobs": [job("job-1")], "pods": [pod(owner="job-1", uid="failed", phase="Failed")]}, ["failed"]),
    ],
    ids=[
        "new revision",
        "highest revision",
        "template not observed",
        "other owner",
        "terminating",
        "evicted",
        "failed hook",
    ],
)
def test_pod_counts_while_it_belongs_to_the_release(changes: dict[str, Any], found: list[str]) -> None:
    (snapshot,) = snapshots(BEFORE, replace(AFTER, **changes))

    assert pods(snapshot) == found


def test_unchanged_deployment_counts_once_helm_has_had_the_time_to_change_it() -> None:
    unchanged = replace(BEFORE, deployments=AFTER.deployments)

    found = snapshots(unchanged, AFTER, AFTER, AFTER, times=(5, 16, 17))

    assert [pods(snapshot) for snapshot in found] == [[], [], ["new"]]


@pytest.mark.parametrize("before", ["1", None], ids=["upgrade", "install"])
def test_release_is_applied_while_the_abort_service_has_its_revision(before: str | None) -> None:
    baseline = Moment(revision=before)

    found = snapshots(baseline, baseline, AFTER, baseline)  # which is Helm's rollback

    assert [snapshot.is_applied for snapshot in found] == [False, True, False]


def test_hook_of_a_past_release_does_not_count() -> None:
    past, present = pod(owner="job-1", uid="past"), pod(owner="job-2", uid="present")
    after = Moment(revision="1", jobs=[job("job-1"), job("job-2")], pods=[past, present])

    (snapshot,) = snapshots(replace(BEFORE, jobs=[job("job-1")]), after)

    assert [uid(job) for job in snapshot.jobs] == ["job-2"]
    assert pods(snapshot) == ["present"]


UNSCHEDULABLE = replace(AFTER, pods=[pod(unschedulable="no memory")])
TERMINATING = terminating(pod(owner="another app"))


@pytest.mark.parametrize(
    "moment",
    [UNSCHEDULABLE, replace(AFTER, replica_sets=[replica_set(failure="quota")]), replace(AFTER, jobs=[job()])],
    ids=["no node", "no pod", "no pod of a hook"],
)
def test_capacity_is_read_when_a_pod_lacks_it(moment: Moment) -> None:
    more = replace(moment, other_pods=[TERMINATING], events=[event("Nominated", "pod")], nodes=[node("a")])

    (snapshot,) = snapshots(BEFORE, more)

    assert snapshot.terminating_in_namespace
    assert snapshot.terminating_in_cluster
    assert [it.reason for it in snapshot.events] == ["Nominated"]
    assert snapshot.nodes is not None


def test_capacity_is_not_read_while_every_pod_has_it() -> None:
    (snapshot,) = snapshots(BEFORE, replace(AFTER, other_pods=[TERMINATING], events=[event("Nominated", "pod")]))

    assert (snapshot.terminating_in_cluster, snapshot.events) == (False, ())


@pytest.mark.parametrize(
    ("elsewhere", "terminates"), [([terminating(pod(namespace="another"))], True), ([], False), (FORBIDDEN, False)]
)
def test_pod_that_terminates_elsewhere_is_not_in_the_namespace(elsewhere: Any, *, terminates: bool) -> None:
    (snapshot,) = snapshots(BEFORE, replace(UNSCHEDULABLE, pods_elsewhere=elsewhere))

    assert not snapshot.terminating_in_namespace
    assert snapshot.terminating_in_cluster == terminates


def test_nodes_that_cannot_be_listed_are_unknown() -> None:
    (snapshot,) = snapshots(BEFORE, replace(UNSCHEDULABLE, nodes=FORBIDDEN))

    assert snapshot.nodes is None
