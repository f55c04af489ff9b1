import json
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.proto import engine_pb2

from components.app.release import AppIngressArgs, AppRelease, AppReleaseArgs
from settings.chart import digest
from tests.support.api_server import ApiServer, helm_record
from tests.support.engine import UNKNOWN, Engine, Inputs
from tests.support.fake_cluster import FakeCluster

RELEASE = "kubernetes:helm.sh/v3:Release"
RECORDS = "/api/v1/namespaces/todo/secrets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/todo/deployments"
PODS = "/api/v1/namespaces/todo/pods"
REPLICA_SETS = "/apis/apps/v1/namespaces/todo/replicasets"
JOBS = "/apis/batch/v1/namespaces/todo/jobs"
INGRESS = "/apis/networking.k8s.io/v1/namespaces/todo/ingresses/todo-app-ingress"
OBJECT = "/api/v1/namespaces/todo/configmaps/todo"
MANIFEST = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "todo"}})


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / "chart").mkdir()
    (tmp_path / "chart/Chart.yaml").write_text("name: todo-app\n")
    return tmp_path / "chart"


@pytest.fixture
def cluster(api_server: ApiServer, engine: Engine) -> ApiServer:
    """A cluster without the release, on which Helm succeeds at once."""
    for path in (RECORDS, DEPLOYMENTS, REPLICA_SETS, JOBS, PODS):
        api_server.has_list(path)
    engine.creations[RELEASE, "todo-app"] = lambda: {"status": {"revision": 3}}
    return api_server


ANYWHERE = AppIngressArgs(host=None, class_name=None, namespace=None, tls_issuer=None, address="")
INGRESS_ARGS = AppIngressArgs(host="todo.example.com", class_name=None, namespace=None, tls_issuer=None, address="")


def deploy(engine: Engine, api: ApiServer, chart: Path, *, preview: bool = False, **changes: Any) -> None:
    (chart.parent / "values.yaml").write_text("{}")
    defaults: dict[str, Any] = {
        "cluster": FakeCluster(api.url),
        "namespace": "todo",
        "chart": chart,
        "values_file": chart.parent / "values.yaml",
        "timeout_seconds": 300,
        "frontend_image": "ghcr.io/example/todo-frontend:sha-1a2b3c4",
        "backend_image": "ghcr.io/example/todo-backend:sha-1a2b3c4",
        "pull_secrets": [],
        "before": [],
        "secret_checksums": {"app-secrets": "5e", "kafka-secrets": "a5"},
        "ingress": INGRESS_ARGS,
        "database_port": 5432,
        "kafka_ports": [9092, 9093],
        "tracing_port": 4317,
        "dapr_namespace": "dapr-system",
        "kafka_topic": "events",
        "dapr_checksum": "da",
    }

    def program() -> None:
        args = defaults | changes
        args["before"] = [pulumi.ResourceHook(hook.__name__, hook) for hook in args["before"]]
        release = AppRelease("todo-app", AppReleaseArgs(**args))
        pulumi.export("name", release.name)
        pulumi.export("revision", release.revision)
        pulumi.export("endpoint", release.endpoint)
        pulumi.export("url", release.url)

    engine.deploy(program, preview=preview)


def said(engine: Engine, severity: engine_pb2.LogSeverity.ValueType) -> list[str]:
    return [entry.message for entry in engine.log if entry.severity == severity]


def test_a_release_that_is_not_ready_in_time_is_rolled_back(engine: Engine, cluster: ApiServer, chart: Path) -> None:
    deploy(engine, cluster, chart, timeout_seconds=120)

    release = engine.find(RELEASE).inputs
    assert (release["atomic"], release["cleanupOnFail"], release["timeout"]) == (True, True, 120)
    assert release["values"]["deadlineSeconds"] < 120
    assert release["waitForJobs"] is True
    assert release.keys().isdisjoint({"skipAwait", "disableWebhooks"})


@pytest.mark.parametrize(
    ("ingress", "endpoint"),
    [(INGRESS_ARGS, "todo.example.com"), (replace(ANYWHERE, address="203.0.113.7"), "203.0.113.7")],
    ids=["host", "address"],
)
def test_endpoint_is_the_host_or_the_address_of_the_controller(
    engine: Engine, cluster: ApiServer, chart: Path, ingress: AppIngressArgs, endpoint: str
) -> None:
    deploy(engine, cluster, chart, ingress=ingress)

    exports = {"name": "todo-app", "revision": 3, "endpoint": endpoint, "url": f"http://{endpoint}"}
    assert engine.exports == exports


def test_issuer_makes_the_url_https(engine: Engine, cluster: ApiServer, chart: Path) -> None:
    deploy(engine, cluster, chart, ingress=replace(INGRESS_ARGS, tls_issuer="letsencrypt"))

    assert engine.find(RELEASE).inputs["values"]["ingress"] == {
        "host": "todo.example.com",
        "tls": {"secretName": "todo-app-tls"},
        "annotations": {"cert-manager.io/issuer": "letsencrypt"},
    }
    assert engine.exports["url"] == "https://todo.example.com"


def test_tls_secret_of_the_values_file_makes_the_url_https(engine: Engine, cluster: ApiServer, chart: Path) -> None:
    values = chart.parent / "own.yaml"
    values.write_text("ingress: {tls: {secretName: own}}")

    deploy(engine, cluster, chart, values_file=values)

    assert engine.exports["url"] == "https://todo.example.com"


def test_the_chart_gets_the_controller_the_registry_and_the_network(
    engine: Engine, cluster: ApiServer, chart: Path
) -> None:
    ingress = replace(INGRESS_ARGS, class_name="traefik", namespace="edge")

    within = FakeCluster(cluster.url, api_cidr="10.0.0.0/28")
    deploy(engine, cluster, chart, ingress=ingress, pull_secrets=["registry-pull"], cluster=within)

    values = engine.find(RELEASE).inputs["values"]
    assert values["ingress"] == {"host": "todo.example.com", "className": "traefik"}
    assert values["imagePullSecrets"] == ["registry-pull"]
    assert values["networkPolicy"]["ingressNamespace"] == "edge"
    assert values["networkPolicy"]["apiServer"] == {"cidr": "10.0.0.0/28"}


@pytest.mark.parametrize("exists", [False, True], ids=["created", "updated"])
def test_a_failed_hook_stops_the_release(engine: Engine, cluster: ApiServer, chart: Path, *, exists: bool) -> None:
    async def refuse(_: pulumi.ResourceHookArgs) -> None:
        raise pulumi.RunError("not this one")

    released: list[str] = []
    engine.creations[RELEASE, "todo-app"] = lambda: released.append("released") or {"status": {"revision": 3}}
    if exists:
        engine.existing.add((RELEASE, "todo-app"))

    with pytest.raises(Exception, match="not this one"):
        deploy(engine, cluster, chart, before=[refuse])

    assert released == []


@pytest.mark.parametrize(
    ("status", "endpoint"),
    [
        ({"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}, "203.0.113.7"),
        ({"loadBalancer": {"ingress": []}}, ""),
        ({}, ""),
    ],
)
def test_without_a_controller_the_endpoint_is_the_address_of_the_ingress(
    engine: Engine, cluster: ApiServer, chart: Path, status: Mapping[str, Any], endpoint: str
) -> None:
    cluster.has(INGRESS, {"metadata": {}, "status": status})

    deploy(engine, cluster, chart, ingress=ANYWHERE)

    assert engine.exports["endpoint"] == endpoint
    assert "ingress" not in engine.find(RELEASE).inputs["values"]  # the values file decides


def test_a_first_preview_knows_neither_the_address_nor_the_revision(
    engine: Engine, cluster: ApiServer, chart: Path
) -> None:
    engine.creations[RELEASE, "todo-app"] = lambda: {"status": UNKNOWN}

    deploy(engine, cluster, chart, ingress=ANYWHERE, preview=True)

    assert engine.exports == {"name": "todo-app", "revision": UNKNOWN, "endpoint": UNKNOWN, "url": UNKNOWN}


def description(engine: Engine) -> str:
    return engine.find(RELEASE).inputs["description"]


def test_an_edited_template_changes_the_release_and_an_unchanged_chart_does_not(
    cluster: ApiServer, chart: Path
) -> None:
    descriptions: list[str] = []
    for edit in (lambda: None, lambda: None, lambda: (chart / "template.yaml").write_text("kind: Service\n")):
        edit()
        engine = Engine()
        engine.creations[RELEASE, "todo-app"] = lambda: {"status": {"revision": 3}}
        deploy(engine, cluster, chart)
        descriptions.append(description(engine))

    first, second, third = descriptions
    assert first == second != third == f"chart sha256:{digest(chart)[:16]}"


def has_release(cluster: ApiServer, described: str, *, drifted: bool) -> None:
    cluster.has_list(RECORDS, helm_record(7, described, MANIFEST))
    live = {"metadata": {"resourceVersion": "1"}, "data": {"key": "by hand" if drifted else "value"}}
    cluster.has(f"GET {OBJECT}", live)
    cluster.has(f"PATCH {OBJECT}", {**live, "data": {"key": "value"}})


@pytest.mark.parametrize("drifted", [False, True])
def test_only_manual_changes_change_the_description(
    engine: Engine, cluster: ApiServer, chart: Path, *, drifted: bool
) -> None:
    of_chart = f"chart sha256:{digest(chart)[:16]}"
    before = f"{of_chart}, reverts manual changes after revision 6: Service/backend"
    has_release(cluster, before, drifted=drifted)

    deploy(engine, cluster, chart)

    reverted = f"{of_chart}, reverts manual changes after revision 7: ConfigMap/todo"
    assert description(engine) == (reverted if drifted else before)


def test_the_description_of_another_chart_is_not_kept(engine: Engine, cluster: ApiServer, chart: Path) -> None:
    has_release(cluster, "chart sha256:5e5e5e5e5e5e5e5e, reverts something", drifted=False)

    deploy(engine, cluster, chart)

    assert description(engine) == f"chart sha256:{digest(chart)[:16]}"


def test_a_preview_needs_no_permission_to_patch(engine: Engine, cluster: ApiServer, chart: Path) -> None:
    has_release(cluster, f"chart sha256:{digest(chart)[:16]}", drifted=True)
    reason = 'configmaps "todo" is forbidden: User "reader" cannot patch resource "configmaps"'
    cluster.refuses(f"PATCH {OBJECT}", HTTPStatus.FORBIDDEN, reason)

    deploy(engine, cluster, chart, preview=True)

    assert description(engine) == f"chart sha256:{digest(chart)[:16]}"
    assert any(reason in warning for warning in said(engine, engine_pb2.WARNING))
    with pytest.raises(pulumi.RunError, match="cannot patch"):
        deploy(Engine(), cluster, chart)


@pytest.mark.parametrize(
    ("status", "doing"),
    [
        ("pending-install", "an install"),
        ("pending-upgrade", "an upgrade"),
        ("pending-rollback", "a rollback"),
        ("uninstalling", "an uninstall"),
    ],
)
def test_a_pending_release_is_reported(
    engine: Engine, cluster: ApiServer, chart: Path, status: str, doing: str
) -> None:
    cluster.has_list(RECORDS, helm_record(8, "", "", status), helm_record(7, "", ""))

    with pytest.raises(pulumi.RunError) as error:
        deploy(engine, cluster, chart, preview=True)

    assert f"in the middle of {doing} since 2026-11-24 02:31:41 UTC" in str(error.value)
    assert str(error.value).endswith("\nhint: python -m delivery recover --stack test")
    asked = [request.query["labelSelector"] for request in cluster.requests if request.path == RECORDS]
    assert asked == ["owner=helm,name=todo-app,status!=superseded"]


def test_a_pending_revision_before_the_last_is_ignored(engine: Engine, cluster: ApiServer, chart: Path) -> None:
    cluster.has_list(RECORDS, helm_record(8, "", MANIFEST), helm_record(7, "", "", "pending-upgrade"))
    cluster.has(OBJECT, {"metadata": {"resourceVersion": "1"}})

    deploy(engine, cluster, chart)

    assert description(engine) == f"chart sha256:{digest(chart)[:16]}"


def test_release_is_watched_while_helm_waits(engine: Engine, cluster: ApiServer, chart: Path) -> None:
    def helm() -> Inputs:
        cluster.wait_for(DEPLOYMENTS, more=1)
        return {"status": {"revision": 3}}

    engine.creations[RELEASE, "todo-app"] = helm
    deploy(engine, cluster, chart)

    assert "RolloutWatcher.watch" not in engine.unfinished
