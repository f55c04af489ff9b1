"""The whole program, as the engine runs it, against a stand-in API server."""

import runpy
import socket
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import pulumi
import pytest
import yaml

from components.cluster.namespace import OWNER_LABEL
from settings.chart import CHART, schema_errors
from tests.support import example
from tests.support.api_server import ApiServer
from tests.support.engine import STACK, UNKNOWN, Engine, Resource, Secret

PROVIDER = "pulumi:providers:kubernetes"
NAMESPACE = "kubernetes:core/v1:Namespace"
RELEASE = "kubernetes:helm.sh/v3:Release"
TOKEN = ("kubernetes:core/v1:Secret", "todo-app-deployer-token")


@pytest.fixture(autouse=True)
def cluster(api_server: ApiServer, config: Mapping[str, str], engine: Engine) -> ApiServer:
    """A cluster that has nothing yet."""
    Path(config["kubeconfig"]).write_text(yaml.safe_dump(example.kubeconfig(api_server.url)))
    has_namespaces(api_server, {"kube-system": None, "default": None})
    api_server.has_list("/api/v1/namespaces/default/secrets")
    api_server.has_list("/api/v1/namespaces/todo/secrets")
    for path in ("/apis/apps/v1/namespaces/todo/deployments", "/api/v1/namespaces/todo/pods"):
        api_server.has_list(path)
    engine.creations[RELEASE, "todo-app"] = lambda: {"status": {"revision": 3}}
    engine.creations[TOKEN] = lambda: {"data": {"ca.crt": "Y2E=", "token": "Y2FuYXJ5"}}
    return api_server


def has_namespaces(cluster: ApiServer, owners: Mapping[str, str | None]) -> None:
    cluster.has_list(
        "/api/v1/namespaces",
        *(
            {"metadata": {"name": name, "uid": f"uid-of-{name}", "labels": {OWNER_LABEL: owner} if owner else {}}}
            for name, owner in owners.items()
        ),
    )


def deploy(engine: Engine, *, preview: bool = False, **changes: str) -> None:
    config = {**example.CONFIG, "namespace": "todo", "host": "todo.example.com", **changes}
    program = str(example.PROJECT_FOLDER / "__main__.py")
    engine.deploy(
        lambda: runpy.run_path(program, run_name="__main__"),
        config=config,
        encrypted=example.SECRETS,
        preview=preview,
    )


@pytest.fixture
def deployed(engine: Engine) -> Engine:
    deploy(engine)
    return engine


def test_the_graph_is_what_the_picture_shows(deployed: Engine) -> None:
    stack = f"todo-oke-{STACK}"

    assert {(r.type, r.name, r.parent) for r in deployed.resources} == {
        ("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "components.dapr.io", "dapr"),
        ("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "subscriptions.dapr.io", "dapr"),
        ("kubernetes:core/v1:Namespace", "dapr-system", "dapr-system"),
        ("kubernetes:core/v1:Namespace", "todo", "todo"),
        ("kubernetes:core/v1:Secret", "app-secrets", "app-secrets"),
        ("kubernetes:core/v1:Secret", "kafka-secrets", "app-secrets"),
        ("kubernetes:core/v1:Secret", "todo-app-deployer-token", "todo-app-deployer"),
        ("kubernetes:core/v1:ServiceAccount", "todo-app-deployer", "todo-app-deployer"),
        ("kubernetes:dapr.io/v1alpha1:Component", "todo-pubsub", "dapr-components"),
        ("kubernetes:dapr.io/v1alpha1:Component", "todo-secrets", "dapr-components"),
        ("kubernetes:dapr.io/v1alpha1:Component", "todo-state", "dapr-components"),
        ("kubernetes:dapr.io/v1alpha1:Configuration", "todo-app", "dapr-components"),
        ("kubernetes:dapr.io/v1alpha1:Resiliency", "todo-resiliency", "dapr-components"),
        ("kubernetes:dapr.io/v2alpha1:Subscription", "todo-events", "dapr-components"),
        ("kubernetes:helm.sh/v3:Release", "dapr", "dapr"),
        ("kubernetes:helm.sh/v3:Release", "todo-app", "todo-app"),
        ("kubernetes:rbac.authorization.k8s.io/v1:Role", "todo-app-deployer", "todo-app-deployer"),
        ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "todo-app-deployer", "todo-app-deployer"),
        ("pulumi:providers:kubernetes", "cluster", "cluster"),
        ("todo:app:Deployer", "todo-app-deployer", stack),
        ("todo:cluster:ExistingCluster", "cluster", stack),
        ("todo:cluster:Namespace", "dapr-system", stack),
        ("todo:cluster:Namespace", "todo", stack),
        ("todo:app:DaprComponents", "dapr-components", stack),
        ("todo:platform:DaprControlPlane", "dapr", stack),
        ("todo:app:AppImages", "images", stack),
        ("todo:app:AppRelease", "todo-app", stack),
        ("todo:app:AppSecrets", "app-secrets", stack),
    }


def test_everything_on_the_cluster_is_declared_through_its_one_provider(deployed: Engine) -> None:
    on_cluster = [resource for resource in deployed.resources if resource.type.startswith("kubernetes:")]

    assert {(resource.name, resource.provider) for resource in on_cluster} == {
        (resource.name, "cluster") for resource in on_cluster
    }
    assert deployed.find(PROVIDER).inputs["clusterIdentifier"] == "uid-of-kube-system"


def test_every_object_of_the_stack_takes_its_fields_back(deployed: Engine) -> None:
    objects = [
        resource
        for resource in deployed.resources
        if resource.type.startswith("kubernetes:") and resource.type != "kubernetes:helm.sh/v3:Release"
    ]

    assert [r.name for r in objects if "pulumi.com/patchForce" not in r.inputs["metadata"]["annotations"]] == []


def before(engine: Engine, resource: Resource) -> set[tuple[str, str]]:
    return {(earlier.type.split(":")[-1], earlier.name) for earlier in engine.finishes_first(resource)}


def test_the_control_plane_waits_for_its_namespace_and_definitions(deployed: Engine) -> None:
    assert before(deployed, deployed.find(RELEASE, "dapr")) >= {
        ("Namespace", "dapr-system"),
        ("CustomResourceDefinition", "components.dapr.io"),
        ("CustomResourceDefinition", "subscriptions.dapr.io"),
    }


def test_the_components_wait_for_the_control_plane(deployed: Engine) -> None:
    objects = [resource for resource in deployed.resources if resource.type.startswith("kubernetes:dapr.io/")]

    assert len(objects) == 6
    for resource in objects:
        assert before(deployed, resource) >= {("Release", "dapr"), ("Namespace", "todo")}


def test_the_app_waits_for_its_secrets_and_components(deployed: Engine) -> None:
    assert before(deployed, deployed.find(RELEASE, "todo-app")) >= {
        ("Secret", "app-secrets"),
        ("Secret", "kafka-secrets"),
        ("Component", "todo-pubsub"),
        ("Component", "todo-state"),
        ("Component", "todo-secrets"),
        ("Configuration", "todo-app"),
        ("Resiliency", "todo-resiliency"),
        ("Subscription", "todo-events"),
        ("Release", "dapr"),
    }


def test_the_secrets_and_the_deployer_do_not_wait_for_dapr(deployed: Engine) -> None:
    for type_, name in (("kubernetes:core/v1:Secret", "app-secrets"), TOKEN):
        assert ("Release", "dapr") not in before(deployed, deployed.find(type_, name))


def test_the_stack_exports_what_the_operators_read(deployed: Engine) -> None:
    assert deployed.exports == {
        "namespace": "todo",
        "release": "todo-app",
        "revision": 3,
        "images": {
            "frontend": example.CONFIG["frontendImage"],
            "backend": example.CONFIG["backendImage"],
        },
        "endpoint": "todo.example.com",
        "url": "http://todo.example.com",
        "address": "",
        "daprComponents": ["todo-pubsub", "todo-secrets", "todo-state"],
        "verifyTimeoutSeconds": 180,
    }


def test_no_secret_is_shown_in_the_state_or_the_log(deployed: Engine) -> None:
    assert example.CANARY not in f"{deployed.resources} {deployed.outputs} {deployed.log}"


def test_no_secret_is_shown_in_the_log_of_level_debug(deployed: Engine) -> None:
    told = [entry.message for entry in deployed.debug_log]

    assert any(message.startswith("register resource outputs prepared") for message in told)
    assert [message for message in told if example.CANARY in message] == []


def test_everything_is_in_the_namespace_of_the_app_but_the_control_plane(deployed: Engine) -> None:
    objects = [r for r in deployed.resources if "namespace" in r.inputs.get("metadata", {})]
    releases = [r for r in deployed.resources if r.type == RELEASE]

    assert {resource.inputs["metadata"]["namespace"] for resource in objects} == {"todo"}
    assert {release.name: release.inputs["namespace"] for release in releases} == {
        "dapr": "dapr-system",
        "todo-app": "todo",
    }
    configuration = deployed.find("kubernetes:dapr.io/v1alpha1:Configuration").inputs["spec"]
    assert configuration["mtls"]["sentryAddress"] == "dapr-sentry.dapr-system.svc.cluster.local:443"


def test_the_backend_alone_may_use_the_components(deployed: Engine) -> None:
    scopes = [resource.inputs["scopes"] for resource in deployed.resources if "scopes" in resource.inputs]

    assert scopes == [["backend"]] * 5


def test_the_secrets_of_the_settings_are_those_of_the_app(deployed: Engine) -> None:
    names = {
        "app-secrets": {
            "cohere-api-key": "cohereApiKey",
            "better-auth-secret": "betterAuthSecret",
            "database-url": "databaseUrl",
            "state-url": "databaseUrl",
        },
        "kafka-secrets": {"username": "kafkaUsername", "password": "kafkaPassword"},
    }

    for name, keys in names.items():
        secret = deployed.find("kubernetes:core/v1:Secret", name)
        assert secret.inputs["stringData"] == Secret({key: example.SECRETS[setting] for key, setting in keys.items()})


@pytest.mark.parametrize(("protect", "protected"), [("true", True), ("false", False)])
def test_what_is_hard_to_get_back_is_protected_where_the_stack_is(
    engine: Engine, protect: str, *, protected: bool
) -> None:
    deploy(engine, protect=protect)

    assert {(r.type, r.name) for r in engine.resources if r.protect} == (
        {
            ("kubernetes:core/v1:Namespace", "dapr-system"),
            ("kubernetes:core/v1:Namespace", "todo"),
            ("kubernetes:core/v1:Secret", "app-secrets"),
            ("kubernetes:core/v1:Secret", "kafka-secrets"),
            ("kubernetes:helm.sh/v3:Release", "dapr"),
            ("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "components.dapr.io"),
            ("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "subscriptions.dapr.io"),
        }
        if protected
        else set()
    )


@pytest.mark.parametrize(
    ("owners", "declared"),
    [
        ({}, {"todo", "dapr-system"}),
        ({"todo": STACK, "dapr-system": STACK}, {"todo", "dapr-system"}),
        ({"todo": None, "dapr-system": STACK}, {"dapr-system"}),
        ({"todo": "oke", "dapr-system": None}, set[str]()),
    ],
    ids=["missing", "own", "made by hand", "of others"],
)
def test_only_namespaces_that_are_missing_or_its_own_are_declared(
    cluster: ApiServer, engine: Engine, owners: Mapping[str, str | None], declared: set[str]
) -> None:
    has_namespaces(cluster, {"kube-system": None, **owners})

    deploy(engine)

    assert {resource.name for resource in engine.resources if resource.type == NAMESPACE} == declared
    assert engine.exports["namespace"] == "todo"


@pytest.mark.usefixtures("cluster")
def test_a_named_cluster_is_known_by_its_name(engine: Engine) -> None:
    deploy(engine, clusterIdentifier="production")

    assert engine.find(PROVIDER).inputs["clusterIdentifier"] == "production"


def test_a_mistake_in_a_setting_is_mended_in_the_stack_that_has_it(engine: Engine) -> None:
    with pytest.raises(pulumi.RunError, match=r"\n    pulumi config --stack \w+ set protect true$"):
        deploy(engine, protect="perhaps")


def test_the_settings_reach_what_they_are_for(engine: Engine) -> None:
    deploy(
        engine,
        releaseTimeoutSeconds="120",
        daprVersion="1.15.5",
        daprScheduler="true",
        databaseUrl="postgresql://todo:canary@db.example.com:6432/todo",
        kafkaBrokers="a.example.com:9093,b.example.com:9092,c.example.com:9093",
        kafkaSaslMechanism="PLAIN",
        kafkaTls="false",
        kafkaTopic="events",
        kafkaConsumerGroup="group",
        tracingEndpoint="collector.tracing:4317",
        tracingSamplingRate="1",
    )

    release, dapr = engine.find(RELEASE, "todo-app").inputs, engine.find(RELEASE, "dapr").inputs
    assert release["timeout"] == 120
    assert release["chart"] == "infra/helm/todo-app"
    assert [file["path"] for file in release["valueYamlFiles"]] == ["values.yaml"]
    assert release["values"]["frontend"]["image"] == example.CONFIG["frontendImage"]
    assert release["values"]["backend"]["image"] == example.CONFIG["backendImage"]
    assert release["values"]["backend"]["secretChecksums"].keys() == {"app-secrets", "kafka-secrets"}
    assert release["values"]["dapr"]["topic"] == "events"
    components = next(r for r in engine.resources if r.type == "todo:app:DaprComponents")
    assert release["values"]["dapr"]["checksum"] == engine.outputs[components.urn]["checksum"] != ""
    assert release["values"]["networkPolicy"] == {
        "databasePort": 6432,
        "kafkaPorts": [9092, 9093],
        "tracingPort": 4317,
        "daprNamespace": "dapr-system",
    }
    assert dapr["version"] == "1.15.5"
    assert dapr["values"]["global"]["scheduler"] == {"enabled": True}
    pubsub = {
        each["name"]: each.get("value")
        for each in engine.find("kubernetes:dapr.io/v1alpha1:Component", "todo-pubsub").inputs["spec"]["metadata"]
    }
    assert pubsub["brokers"] == "a.example.com:9093,b.example.com:9092,c.example.com:9093"
    assert (pubsub["consumerGroup"], pubsub["saslMechanism"], pubsub["disableTls"]) == ("group", "PLAINTEXT", "true")
    assert engine.find("kubernetes:dapr.io/v2alpha1:Subscription").inputs["spec"]["topic"] == "events"
    assert engine.find("kubernetes:dapr.io/v1alpha1:Configuration").inputs["spec"]["tracing"] == {
        "samplingRate": "1.0",
        "otel": {"endpointAddress": "collector.tracing:4317", "isSecure": False, "protocol": "grpc"},
    }


@pytest.mark.parametrize(
    ("port", "brokers", "collector"),
    [(5432, "broker.example.com:9092", ""), (65535, "a:1,b:1,c:65535", "collector.tracing:65535")],
)
def test_what_the_chart_is_told_fits_it(engine: Engine, port: int, brokers: str, collector: str) -> None:
    database = f"postgresql://todo:canary@db.example.com:{port}/todo"

    deploy(engine, databaseUrl=database, kafkaBrokers=brokers, tracingEndpoint=collector)

    assert schema_errors(example.PROJECT_FOLDER / CHART, engine.find(RELEASE, "todo-app").inputs["values"]) == []


def test_a_first_preview_shows_the_whole_graph(engine: Engine) -> None:
    engine.creations[RELEASE, "todo-app"] = lambda: {"status": UNKNOWN}
    engine.creations[TOKEN] = lambda: {"data": UNKNOWN}

    deploy(engine, preview=True)

    assert len(engine.resources) == 28
    assert {name for name, value in engine.exports.items() if value == UNKNOWN} == {"revision"}


def test_wrong_settings_end_the_program_before_anything_is_asked_or_declared(
    cluster: ApiServer, engine: Engine
) -> None:
    with pytest.raises(pulumi.RunError, match=r"^1 setting is invalid, nothing was changed:\n  protect must"):
        deploy(engine, protect="yes")

    assert (engine.resources, cluster.requests) == ([], [])


@pytest.mark.parametrize("identifier", ["", "production"])
def test_a_cluster_that_does_not_answer_is_told(config: Mapping[str, str], engine: Engine, identifier: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as freed:
        server = f"http://127.0.0.1:{freed.getsockname()[1]}"
    Path(config["kubeconfig"]).write_text(yaml.safe_dump(example.kubeconfig(server)))

    with pytest.raises(pulumi.RunError, match=f"^Cannot reach the API server of .* at {server}"):
        deploy(engine, clusterIdentifier=identifier)


def test_a_cluster_that_hides_the_releases_from_the_identity_is_told(cluster: ApiServer, engine: Engine) -> None:
    cluster.refuses("/api/v1/namespaces/todo/secrets", HTTPStatus.FORBIDDEN, "secrets is forbidden")

    with pytest.raises(pulumi.RunError, match=r"\(403\) of context 'example' .*: secrets is forbidden"):
        deploy(engine)


def test_a_cluster_that_refuses_ends_the_program_before_anything_is_declared(
    cluster: ApiServer, engine: Engine
) -> None:
    cluster.refuses("/api/v1/namespaces", HTTPStatus.FORBIDDEN, "namespaces is forbidden")

    with pytest.raises(pulumi.RunError, match=r"\(403\) of context 'example' .*: namespaces is forbidden"):
        deploy(engine)

    assert engine.resources == []
