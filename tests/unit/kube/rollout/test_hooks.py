"""What the hooks of a Helm release log."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from pulumi.runtime.proto import engine_pb2

from kube.rollout.hooks import rollout_hooks
from tests.support import example
from tests.support.api_server import ApiServer
from tests.support.engine import Engine, Inputs

RELEASE = "kubernetes:helm.sh/v3:Release"
DEPLOYMENTS = "/apis/apps/v1/namespaces/todo/deployments"
REPLICA_SETS = "/apis/apps/v1/namespaces/todo/replicasets"
JOBS = "/apis/batch/v1/namespaces/todo/jobs"
PODS = "/api/v1/namespaces/todo/pods"

either = pytest.mark.parametrize("existing", [set[Any](), {(RELEASE, "todo-app")}], ids=["install", "upgrade"])


@pytest.fixture
def cluster(api_server: ApiServer) -> ApiServer:
    for path in (DEPLOYMENTS, REPLICA_SETS, JOBS, PODS):
        api_server.has_list(path)
    return api_server


def deploy(engine: Engine, cluster: ApiServer, helm: Callable[[], Inputs], *, preview: bool = False) -> None:
    def program() -> None:
        component = pulumi.ComponentResource("test:Component", "component")
        before = [pulumi.ResourceHook("before", first)]
        hooks = rollout_hooks(example.cluster(cluster.url), "todo-app", [], resource=component, before=before)
        options = pulumi.ResourceOptions(parent=component, hooks=hooks)
        kubernetes.helm.v3.Release("todo-app", namespace="todo", chart="chart", opts=options)

    engine.creations[RELEASE, "todo-app"] = helm
    engine.deploy(program, preview=preview)


async def first(_: pulumi.ResourceHookArgs) -> None:
    pulumi.log.warn("first")


def logged(engine: Engine, severity: engine_pb2.LogSeverity.ValueType) -> list[str]:
    return [entry.message for entry in engine.log if entry.severity == severity]


def roll_out(cluster: ApiServer, *, ready: int, waiting: Mapping[str, str] | None = None) -> None:
    """Show a rollout of the backend until a watcher has seen it."""
    deployment = {
        "metadata": {"name": "backend", "uid": "deployment", "generation": 2},
        "spec": {"replicas": 2, "selector": {}, "template": {}},
        "status": {"readyReplicas": ready, "observedGeneration": 2},
    }
    container = {"name": "backend", "ready": False, "restartCount": 0, "image": "i", "imageID": ""}
    state = {"waiting": waiting} if waiting else {"running": {}}
    metadata = {**owned("replica-set", "pod"), "labels": {"app": "backend"}}
    cluster.has_list(DEPLOYMENTS, deployment)
    cluster.has_list(REPLICA_SETS, {"metadata": owned("deployment", "replica-set"), "spec": {"selector": {}}})
    cluster.has_list(PODS, {"metadata": metadata, "status": {"containerStatuses": [{**container, "state": state}]}})
    wait_for_snapshot(cluster)


def owned(owner: str, uid: str) -> Mapping[str, Any]:
    reference = {"apiVersion": "v1", "kind": "", "name": "", "uid": owner, "controller": True}
    return {"uid": uid, "ownerReferences": [reference]}


def wait_for_snapshot(cluster: ApiServer) -> None:
    cluster.wait_for(DEPLOYMENTS, more=2)  # one may be under way; the next is complete when another begins


@either
def test_progress_is_logged_on_the_resource_until_helm_succeeds(
    engine: Engine, cluster: ApiServer, existing: set[tuple[str, str]]
) -> None:
    def helm() -> Inputs:
        assert logged(engine, engine_pb2.WARNING) == ["first"]
        for ready in (0, 2):
            roll_out(cluster, ready=ready)
        return {"status": {"revision": 3}}

    engine.existing = existing
    deploy(engine, cluster, helm)

    assert logged(engine, engine_pb2.INFO) == ["backend 0/2 ready", "backend 2/2 ready"]
    assert logged(engine, engine_pb2.ERROR) == []
    assert "RolloutWatcher.watch" not in engine.unfinished


@either
def test_failed_release_is_logged_with_its_issues_and_not_retried(
    engine: Engine, cluster: ApiServer, existing: set[tuple[str, str]]
) -> None:
    attempts = 0

    def helm() -> Inputs:
        nonlocal attempts
        attempts += 1
        roll_out(cluster, ready=0, waiting={"reason": "ImagePullBackOff", "message": "manifest unknown"})
        cluster.has_list(PODS)  # Helm has rolled the release back
        wait_for_snapshot(cluster)
        raise TimeoutError("timed out waiting for the condition")

    engine.existing = existing
    with pytest.raises(TimeoutError):
        deploy(engine, cluster, helm)

    assert attempts == 1
    assert logged(engine, engine_pb2.ERROR) == ["backend: container backend is in ImagePullBackOff: manifest unknown"]
    component = engine.find("test:Component").urn
    assert {entry.urn for entry in engine.log if entry.severity != engine_pb2.WARNING} == {component}
    assert "RolloutWatcher.watch" not in engine.unfinished


def test_preview_watches_nothing(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster, lambda: {"status": {"revision": 3}}, preview=True)

    assert cluster.requests == []
