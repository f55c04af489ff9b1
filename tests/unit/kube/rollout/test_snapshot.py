"""What a release has made, as against what there was before it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from lightkube import ApiError
from lightkube.models.meta_v1 import Status

from kube.rollout.issues import Scene, uid
from kube.rollout.snapshot import Look, Lookout
from tests.support.workloads import (
    RUNNING,
    Cluster,
    Moment,
    container,
    deployment,
    ending,
    event,
    job,
    node,
    of_another_namespace,
    pod,
    replica_set,
)

OLD, NEW = pod(container(RUNNING), owner="rs-1", uid="old"), pod(container(RUNNING), owner="rs-2", uid="new")
BEFORE = Moment(gate="1", deployments=[deployment(generation=1)])
AFTER = Moment(
    gate="2", deployments=[deployment()], replica_sets=[replica_set(1), replica_set(2)], jobs=[], pods=[OLD, NEW]
)


def looks(*moments: Moment, times: tuple[float, ...] = (0, 0, 0, 0)) -> list[Look]:
    """What is seen at each moment after the first, made so many seconds after it."""
    clock = iter(times)
    now = 0.0
    cluster = Cluster(moments)
    lookout = Lookout(cluster.client, "todo", "todo-app", lambda: now)

    async def look() -> list[Look]:
        nonlocal now
        await lookout.begin()
        seen: list[Look] = []
        for _ in moments[1:]:
            now = next(clock)
            seen.append(await lookout.look())
        return seen

    seen = asyncio.run(look())
    assert {namespace for namespace, _ in cluster.asked} <= {"todo", "*", None}
    return seen


def pods(scene: Scene) -> list[str]:
    return [uid(pod) for pod in scene.pods]


def test_only_pods_of_the_new_revision_count() -> None:
    (look,) = looks(BEFORE, AFTER)

    assert [uid(maker) for maker in look.scene.makers] == ["rs-2"]
    assert pods(look.scene) == ["new"]


def test_the_new_revision_is_the_highest_and_not_the_youngest() -> None:
    # A release that goes back to an older template: its ReplicaSet gets the next revision.
    again = replace(
        AFTER, replica_sets=[replica_set(10), replica_set(9)], pods=[pod(container(RUNNING), owner="rs-10")]
    )

    (look,) = looks(BEFORE, again)

    assert pods(look.scene) == ["pod-1"]


def test_until_its_controller_has_seen_it_a_deployment_has_no_new_pods() -> None:
    (look,) = looks(BEFORE, replace(AFTER, deployments=[deployment(observed=1)]))

    assert pods(look.scene) == []


def test_a_replica_set_of_somebody_else_does_not_count() -> None:
    (look,) = looks(BEFORE, replace(AFTER, replica_sets=[replica_set(2, owner="another")]))

    assert pods(look.scene) == []


def test_a_deployment_that_helm_has_not_changed_counts_once_helm_has_had_the_time_for_it() -> None:
    same = replace(BEFORE, deployments=AFTER.deployments)

    seen = looks(same, AFTER, AFTER, AFTER, times=(5, 16, 17))

    assert [pods(look.scene) for look in seen] == [[], [], ["new"]]


def test_helm_waits_once_the_gate_is_the_releases() -> None:
    seen = looks(replace(BEFORE, gate="1"), replace(AFTER, gate="1"), AFTER, replace(AFTER, gate="1"))

    assert [look.waits for look in seen] == [False, True, False]  # at last it goes back


def test_at_a_first_install_there_is_no_gate_before() -> None:
    seen = looks(Moment(gate=None), Moment(gate=None), AFTER, Moment(gate=None))

    assert [look.waits for look in seen] == [False, True, False]


def test_without_a_look_before_nothing_is_known_to_wait() -> None:
    lookout = Lookout(Cluster([AFTER]).client, "todo", "todo-app")

    look = asyncio.run(lookout.look())

    assert not look.waits
    assert pods(look.scene) == ["new"]


def test_the_job_of_an_earlier_release_does_not_count() -> None:
    failed = pod(container(RUNNING), owner="job-1", uid="failed")
    runs = pod(container(RUNNING), owner="job-2", uid="runs")
    jobs = [job("job-1"), job("job-2")]

    (look,) = looks(replace(BEFORE, jobs=[job("job-1")]), Moment(gate="1", jobs=jobs, pods=[failed, runs]))

    assert [uid(job) for job in look.scene.jobs] == ["job-2"]
    assert pods(look.scene) == ["runs"]


ENDING = ending(pod(container(RUNNING), owner="of another app"))
STRANGER = of_another_namespace(ending(pod(container(RUNNING))))


def test_a_pod_that_ends_does_not_count() -> None:
    (look,) = looks(BEFORE, replace(AFTER, pods=[ending(pod(container(RUNNING)))]))

    assert pods(look.scene) == []


def test_a_pod_that_was_evicted_does_not_count_unless_it_is_a_jobs() -> None:
    evicted = pod(container(RUNNING), uid="evicted", phase="Failed", reason="Evicted")
    failed = pod(container(RUNNING), owner="job-1", uid="failed", phase="Failed")

    (look,) = looks(BEFORE, replace(AFTER, jobs=[job("job-1")], pods=[NEW, evicted, failed]))

    assert pods(look.scene) == ["new", "failed"]


HOMELESS = replace(AFTER, pods=[pod(unschedulable="no memory")])


@pytest.mark.parametrize(
    "lacks_room",
    [HOMELESS, replace(AFTER, replica_sets=[replica_set(failure="quota")]), replace(AFTER, jobs=[job()])],
    ids=["no node", "no pod", "no pod of a job"],
)
def test_whether_room_may_come_is_asked_where_a_pod_lacks_it(lacks_room: Moment) -> None:
    more = replace(lacks_room, elsewhere=[ENDING], events=[event("Nominated", "pod")], nodes=[node("a")])

    (look,) = looks(BEFORE, more)

    assert look.scene.leaving
    assert look.scene.leaving_nodes
    assert [it.reason for it in look.scene.events] == ["Nominated"]
    assert look.scene.nodes is not None


def test_nobody_else_is_looked_at_while_all_have_room() -> None:
    (look,) = looks(BEFORE, replace(AFTER, elsewhere=[ENDING], events=[event("Nominated", "pod")]))

    assert not look.scene.leaving
    assert not look.scene.leaving_nodes
    assert not look.scene.events


@pytest.mark.parametrize(
    ("strangers", "leaving_nodes"),
    [
        ([STRANGER], True),
        ([], False),
        (ApiError(status=Status(code=403)), False),
    ],
)
def test_a_pod_of_another_namespace_frees_its_node_and_not_the_quota(strangers: Any, *, leaving_nodes: bool) -> None:
    (look,) = looks(BEFORE, replace(HOMELESS, strangers=strangers))

    assert not look.scene.leaving
    assert look.scene.leaving_nodes == leaving_nodes


def test_nodes_that_may_not_be_listed_are_unknown() -> None:
    (look,) = looks(BEFORE, replace(HOMELESS, nodes=ApiError(status=Status(code=403))))

    assert look.scene.nodes is None
