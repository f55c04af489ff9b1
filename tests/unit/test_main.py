"""The whole program, as the engine runs it, against a stand-in API server."""

import runpy
import socket
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path

import pulumi
import pytest
import yaml

from components.platform import dapr_crds
from settings.chart import CHART, schema_errors
from settings.names import POD_SECRETS
from tests.support import example
from tests.support.api_server import ApiServer
from tests.support.engine import PROJECT, STACK, UNKNOWN, Engine, Resource

PROVIDER = "pulumi:providers:kubernetes"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
NAMESPACE = "kubernetes:core/v1:Namespace"
RELEASE = "kubernetes:helm.sh/v3:Release"
SECRET = "kubernetes:core/v1:Secret"
TOKEN = (SECRET, "todo-app-deployer-token")


@pytest.fixture(autouse=True)
def cluster(api_server: ApiServer, config: Mapping[str, str], engine: Engine) -> ApiServer:
    """A cluster that has nothing yet."""
    Path(config["kubeconfig"]).write_text(yaml.safe_dump(example.kubeconfig(api_server.url)))
    Path("dapr/crds").mkdir(parents=True)
    Path("dapr/Chart.yaml").write_text("name: dapr\n")
    for file, crd in zip(dapr_crds.FILES, example.DEFINITIONS.values(), strict=True):
        Path(f"dapr/crds/{file}.yaml").write_text(yaml.safe_dump(crd))
    api_server.has_list("/api/v1/namespaces", {"metadata": {"name": "kube-system", "uid": "uid-of-kube-system"}})
    api_server.has_list("/api/v1/namespaces/default/secrets")
    api_server.has_list("/api/v1/namespaces/todo/secrets")
    for path in ("/apis/apps/v1/namespaces/todo/deployments", "/api/v1/namespaces/todo/pods"):
        api_server.has_list(path)
    engine.creations[RELEASE, "todo-app"] = lambda: {"status": {"revision": 3}}
    engine.creations[TOKEN] = lambda: {"data": {"ca.crt": "Y2E=", "token": "Y2FuYXJ5"}}
    return api_server


def deploy(engine: Engine, *, preview: bool = False, **changes: str) -> None:
    config = {**example.CONFIG, "daprChart": "dapr", "namespace": "todo", "host": "todo.example.com", **changes}
    program = str(example.PROJECT_FOLDER / "__main__.py")
    engine.deploy(
        lambda: runpy.run_path(program, run_name="__main__"),
        config=config,
        encrypted=example.SECRETS,
        preview=preview,
    )


def on_cluster(engine: Engine, *types: str) -> list[Resource]:
    """The resources on the cluster, of the types that begin so."""
    return [r for r in engine.resources if r.type.startswith("kubernetes:") and r.type.startswith(types or "")]


def names(resources: Iterable[Resource]) -> set[tuple[str, str]]:
    return {(resource.type, resource.name) for resource in resources}


@pytest.fixture
def deployed(engine: Engine) -> Engine:
    deploy(engine)
    return engine


def test_every_resource_has_a_component_for_a_parent(deployed: Engine) -> None:
    stack = f"{PROJECT}-{STACK}"
    components = {resource.name for resource in deployed.resources if resource.type.startswith("todo:")}

    for resource in deployed.resources:
        assert resource.parent in ({stack} if resource.type.startswith("todo:") else components), resource


@pytest.mark.parametrize(("named", "identifier"), [("", "uid-of-kube-system"), ("production", "production")])
def test_every_object_is_declared_through_the_one_provider_of_the_cluster(
    engine: Engine, named: str, identifier: str
) -> None:
    deploy(engine, clusterIdentifier=named)

    assert {resource.provider for resource in on_cluster(engine)} == {engine.find(PROVIDER).name}
    assert engine.find(PROVIDER).inputs["clusterIdentifier"] == identifier


def test_every_object_takes_its_fields_back(deployed: Engine) -> None:
    objects = [resource for resource in on_cluster(deployed) if resource.type != RELEASE]

    assert [r.name for r in objects if "pulumi.com/patchForce" not in r.inputs["metadata"]["annotations"]] == []


def test_every_object_is_in_a_namespace_of_the_stack(deployed: Engine) -> None:
    objects = [resource for resource in on_cluster(deployed) if resource.type not in (NAMESPACE, DEFINITION, RELEASE)]

    assert {resource.inputs["metadata"]["namespace"] for resource in objects} == {"todo"}
    for release in on_cluster(deployed, RELEASE):
        assert (NAMESPACE, release.inputs["namespace"]) in names(deployed.finishes_first(release))


def test_resources_wait_for_those_that_they_use(deployed: Engine) -> None:
    definitions, components = on_cluster(deployed, DEFINITION), on_cluster(deployed, "kubernetes:dapr.io/")
    secrets = [resource for resource in on_cluster(deployed, SECRET) if resource.name in POD_SECRETS]

    assert definitions
    assert names(definitions) <= names(deployed.finishes_first(deployed.find(RELEASE, "dapr")))
    assert components
    for resource in components:
        assert {(RELEASE, "dapr"), (NAMESPACE, "todo")} <= names(deployed.finishes_first(resource))
    assert names([*secrets, *components]) <= names(deployed.finishes_first(deployed.find(RELEASE, "todo-app")))


def test_secrets_and_deployer_do_not_wait_for_dapr(deployed: Engine) -> None:
    for secret in on_cluster(deployed, SECRET):
        assert (RELEASE, "dapr") not in names(deployed.finishes_first(secret))


def test_outputs_describe_the_deployment(deployed: Engine) -> None:
    outputs = deployed.exports

    assert set(outputs["images"].values()) == {example.CONFIG["frontendImage"], example.CONFIG["backendImage"]}
    assert set(outputs["daprComponents"]) == {r.name for r in on_cluster(deployed) if r.type.endswith(":Component")}
    assert (outputs["release"], outputs["revision"], outputs["namespace"]) == ("todo-app", 3, "todo")
    assert (outputs["endpoint"], outputs["url"]) == ("todo.example.com", "http://todo.example.com")
    assert outputs["verifyTimeoutSeconds"] == int(example.CONFIG["verifyTimeoutSeconds"])


def test_no_secret_is_in_the_state_or_the_log(deployed: Engine) -> None:
    debug_log = [entry.message for entry in deployed.debug_log]

    assert any(message.startswith("register resource outputs prepared") for message in debug_log)
    assert example.CANARY not in f"{deployed.resources} {deployed.outputs} {deployed.log} {debug_log}"


def test_every_secret_of_the_settings_reaches_the_app(deployed: Engine) -> None:
    data = [secret.inputs["stringData"] for secret in on_cluster(deployed, SECRET) if secret.name in POD_SECRETS]

    assert {value for secret in data for value in secret.value.values()} == set(example.SECRETS.values())


@pytest.mark.parametrize("protect", ["true", "false"])
def test_what_is_hard_to_restore_is_protected(engine: Engine, protect: str) -> None:
    deploy(engine, protect=protect)

    hard = [*on_cluster(engine, NAMESPACE, DEFINITION), engine.find(RELEASE, "dapr")]
    hard += [secret for secret in on_cluster(engine, SECRET) if secret.name in POD_SECRETS]
    assert names(r for r in engine.resources if r.protect) == (names(hard) if protect == "true" else set())


def test_settings_reach_their_resources(engine: Engine) -> None:
    deploy(
        engine,
        releaseTimeoutSeconds="120",
        daprVersion="1.15.5",
        daprScheduler="true",
        databaseUrl="postgresql://todo:canary@db.example.com:6432/todo",
        kafkaBrokers="a.example.com:9093,b.example.com:9092,c.example.com:9093",
        kafkaConsumerGroup="group",
        kafkaTopic="events",
        tracingEndpoint="collector.tracing:4317",
    )

    release, dapr = engine.find(RELEASE, "todo-app").inputs, engine.find(RELEASE, "dapr").inputs
    assert release["timeout"] == 120
    assert [file["path"] for file in release["valueYamlFiles"]] == ["values.yaml"]
    assert release["values"]["frontend"]["image"] == example.CONFIG["frontendImage"]
    assert release["values"]["backend"]["image"] == example.CONFIG["backendImage"]
    assert release["values"]["backend"]["secretChecksums"].keys() == {"app-secrets", "kafka-secrets"}
    assert release["values"]["dapr"]["topic"] == "events"
    assert release["values"]["networkPolicy"] == {
        "databasePort": 6432,
        "kafkaPorts": [9092, 9093],
        "tracingPort": 4317,
        "daprNamespace": "dapr-system",
    }
    assert dapr["values"]["global"]["tag"] == "1.15.5"
    assert dapr["values"]["global"]["scheduler"] == {"enabled": True}
    pubsub = engine.find("kubernetes:dapr.io/v1alpha1:Component", "todo-pubsub").inputs["spec"]["metadata"]
    assert {"name": "consumerGroup", "value": "group"} in pubsub
    assert engine.find("kubernetes:dapr.io/v2alpha1:Subscription").inputs["spec"]["topic"] == "events"
    tracing = engine.find("kubernetes:dapr.io/v1alpha1:Configuration").inputs["spec"]["tracing"]
    assert tracing["otel"]["endpointAddress"] == "collector.tracing:4317"


@pytest.mark.parametrize(
    ("port", "brokers", "collector"),
    [(5432, "broker.example.com:9092", ""), (65535, "a:1,b:1,c:65535", "collector.tracing:65535")],
)
def test_values_of_the_release_fit_the_chart(engine: Engine, port: int, brokers: str, collector: str) -> None:
    database = f"postgresql://todo:canary@db.example.com:{port}/todo"

    deploy(engine, databaseUrl=database, kafkaBrokers=brokers, tracingEndpoint=collector)

    assert schema_errors(example.PROJECT_FOLDER / CHART, engine.find(RELEASE, "todo-app").inputs["values"]) == []


def test_first_preview_shows_the_whole_graph(engine: Engine) -> None:
    deploy(engine)
    preview = Engine()
    preview.creations[RELEASE, "todo-app"] = lambda: {"status": UNKNOWN}
    preview.creations[TOKEN] = lambda: {"data": UNKNOWN}

    deploy(preview, preview=True)

    assert names(preview.resources) == names(engine.resources)
    assert {name for name, value in preview.exports.items() if value == UNKNOWN} == {"revision"}


def test_invalid_settings_end_the_program_before_any_request(cluster: ApiServer, engine: Engine) -> None:
    with pytest.raises(pulumi.RunError, match=rf"\n  protect .*\n    pulumi config --stack {STACK} set protect true$"):
        deploy(engine, protect="yes")

    assert (engine.resources, cluster.requests) == ([], [])


@pytest.mark.parametrize("identifier", ["", "production"])
def test_unreachable_cluster_is_reported(config: Mapping[str, str], engine: Engine, identifier: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as freed:
        server = f"http://127.0.0.1:{freed.getsockname()[1]}"
    Path(config["kubeconfig"]).write_text(yaml.safe_dump(example.kubeconfig(server)))

    with pytest.raises(pulumi.RunError, match=rf"{server}[\s\S]*\nhint: kubectl --kubeconfig kubeconfig "):
        deploy(engine, clusterIdentifier=identifier)

    assert engine.resources == []


@pytest.mark.parametrize("path", ["/api/v1/namespaces", "/api/v1/namespaces/todo/secrets"])
def test_rejected_request_ends_the_program(cluster: ApiServer, engine: Engine, path: str) -> None:
    cluster.refuses(path, HTTPStatus.FORBIDDEN, "access is forbidden")

    with pytest.raises(pulumi.RunError, match=r"\(403\).*'example'.*: access is forbidden"):
        deploy(engine)

    assert (RELEASE, "todo-app") not in names(engine.resources)
