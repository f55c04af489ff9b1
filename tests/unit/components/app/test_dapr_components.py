import re
from typing import Any

import jsonschema
import pulumi
import pytest
import yaml
from pydantic import SecretStr

from components.app.dapr_components import DaprComponents, DaprComponentsArgs
from components.app.secrets import AppSecrets, AppSecretsArgs
from settings.types import DNS_NAME
from tests.support import example
from tests.support.crd import strict
from tests.support.engine import Engine, Resource, Secret

CRDS = example.PROJECT_FOLDER / ".tools/charts/dapr/crds"
COMPONENT = "kubernetes:dapr.io/v1alpha1:Component"


def deploy(engine: Engine, **changes: Any) -> None:
    defaults: dict[str, Any] = {
        "namespace": "todo",
        "app_id": "backend",
        "control_plane_namespace": "dapr-system",
        "version": "1.15.4",
        "kafka_brokers": ("broker-0.example.com:9092", "broker-1.example.com:9092"),
        "kafka_sasl_mechanism": "SCRAM-SHA-256",
        "kafka_tls": True,
        "kafka_topic": "todo-events",
        "kafka_consumer_group": "todo-backend",
        "tracing_endpoint": None,
        "tracing_sampling_rate": 0.1,
    }

    def program() -> None:
        components = DaprComponents("dapr-components", DaprComponentsArgs(**defaults | changes))
        pulumi.export("names", components.names)
        pulumi.export("checksum", components.checksum)

    engine.deploy(program)


def objects(engine: Engine) -> list[Resource]:
    return [resource for resource in engine.resources if resource.type.startswith("kubernetes:dapr.io/")]


def metadata(component: Resource) -> dict[str, Any]:
    """The metadata of a Dapr component's spec: each value, or the (secret, key) that it is read from."""
    return {
        each["name"]: each.get("value") or (each["secretKeyRef"]["name"], each["secretKeyRef"]["key"])
        for each in component.inputs["spec"]["metadata"]
    }


def configuration(engine: Engine) -> dict[str, Any]:
    return engine.find("kubernetes:dapr.io/v1alpha1:Configuration").inputs["spec"]


def test_objects_are_in_the_namespace_of_the_app_and_only_the_backend_loads_them(engine: Engine) -> None:
    deploy(engine)

    assert {(r.inputs["metadata"]["namespace"], r.parent) for r in objects(engine)} == {("todo", "dapr-components")}
    # A pod's annotation names its configuration, which has no scopes.
    scopes = {r.inputs["metadata"]["name"]: r.inputs["scopes"] for r in objects(engine) if "scopes" in r.inputs}
    assert set(map(tuple, scopes.values())) == {("backend",)}
    assert scopes.keys() >= {*engine.exports["names"], "todo-resiliency", "todo-events"}


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1.15.5"},
        {"kafka_brokers": ("other.example.com:9092",)},
        {"kafka_consumer_group": "other"},
        {"tracing_endpoint": "collector:4317"},
        {"tracing_sampling_rate": 0.2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_checksum_changes_with_the_configuration_of_the_sidecar(change: dict[str, Any]) -> None:
    checksums: list[str] = []
    for changes in ({}, {}, change):
        engine = Engine()
        deploy(engine, **changes)
        checksums.append(engine.exports["checksum"])

    before, same, after = checksums
    assert before == same != after


@pytest.mark.skipif(not CRDS.is_dir(), reason="the Dapr chart is a tool: make tools")
@pytest.mark.parametrize("tracing_endpoint", [None, "collector.tracing:4317"])
def test_every_object_fits_its_definition(engine: Engine, tracing_endpoint: str | None) -> None:
    deploy(engine, tracing_endpoint=tracing_endpoint)

    schemas = {
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]): version["schema"]
        for crd in (yaml.safe_load(file.read_text()) for file in CRDS.iterdir())
        for version in crd["spec"]["versions"]
    }
    for resource in objects(engine):
        schema = schemas[resource.inputs["apiVersion"], resource.inputs["kind"]]["openAPIV3Schema"]
        jsonschema.Draft7Validator(strict(schema)).validate(resource.inputs)


@pytest.mark.parametrize("topic", ["Todo_Events", "todo.events", "_"])
def test_every_topic_makes_valid_names_and_has_a_dead_letter_topic(engine: Engine, topic: str) -> None:
    deploy(engine, kafka_topic=topic)

    subscription = engine.find("kubernetes:dapr.io/v2alpha1:Subscription").inputs
    assert (subscription["spec"]["topic"], subscription["spec"]["deadLetterTopic"]) == (topic, f"{topic}-dead")
    assert subscription["spec"]["pubsubname"] in engine.exports["names"]
    assert re.fullmatch(DNS_NAME, subscription["metadata"]["name"])


@pytest.mark.parametrize(
    ("mechanism", "value"), [("SCRAM-SHA-256", "SHA-256"), ("SCRAM-SHA-512", "SHA-512"), ("PLAIN", "PLAINTEXT")]
)
@pytest.mark.parametrize("tls", [True, False])
def test_kafka_is_reached_as_the_settings_say(engine: Engine, mechanism: str, value: str, *, tls: bool) -> None:
    deploy(engine, kafka_sasl_mechanism=mechanism, kafka_tls=tls)

    pubsub = metadata(engine.find(COMPONENT, "todo-pubsub"))
    assert pubsub["brokers"] == "broker-0.example.com:9092,broker-1.example.com:9092"
    assert (pubsub["consumerGroup"], pubsub["saslMechanism"]) == ("todo-backend", value)
    assert pubsub["disableTls"] == ("false" if tls else "true")


def test_every_secret_of_a_component_is_one_of_the_app(engine: Engine) -> None:
    deploy(engine)
    components = [r for r in objects(engine) if r.type == COMPONENT]
    keys = {value for r in components for value in metadata(r).values() if isinstance(value, tuple)}

    secrets = Engine()
    values = dict.fromkeys(AppSecretsArgs.__annotations__.keys() - {"namespace", "protect"}, SecretStr("canary"))
    secrets.deploy(lambda: AppSecrets("app-secrets", AppSecretsArgs("todo", protect=False, **values)))
    known = {
        (resource.name, key)
        for resource in secrets.resources
        if isinstance(resource.inputs.get("stringData"), Secret)
        for key in resource.inputs["stringData"].value
    }
    assert ("app-secrets", "state-url") in keys <= known
    assert all(r.inputs["auth"] == {"secretStore": "kubernetes"} for r in components)


def test_a_sidecar_gives_out_the_secrets_of_the_app_only(engine: Engine) -> None:
    deploy(engine)

    scopes = {scope["storeName"]: scope for scope in configuration(engine)["secrets"]["scopes"]}
    assert {scope["defaultAccess"] for scope in scopes.values()} == {"deny"}
    assert {name: scope.get("allowedSecrets", []) for name, scope in scopes.items()} == {
        "todo-secrets": ["app-secrets", "kafka-secrets"],
        "kubernetes": [],
    }


def test_sidecar_serves_only_the_backend_over_mtls(engine: Engine) -> None:
    deploy(engine, control_plane_namespace="dapr")

    spec = configuration(engine)
    assert {api["name"] for api in spec["api"]["allowed"]} == {"publish", "state", "secrets", "metadata"}
    assert spec["accessControl"]["defaultAction"] == "deny"
    assert spec["mtls"]["enabled"] is True
    assert spec["mtls"]["sentryAddress"] == "dapr-sentry.dapr.svc.cluster.local:443"


@pytest.mark.parametrize(
    ("endpoint", "rate", "text"), [(None, 0.1, "0.1"), (None, 0.0001, "0.0001"), ("collector.tracing:4317", 1.0, "1.0")]
)
def test_traces_go_to_the_collector_if_there_is_one(
    engine: Engine, endpoint: str | None, rate: float, text: str
) -> None:
    deploy(engine, tracing_endpoint=endpoint, tracing_sampling_rate=rate)

    tracing = configuration(engine)["tracing"]
    assert tracing["samplingRate"] == text
    assert tracing.get("otel", {}).get("endpointAddress") == endpoint


def test_every_target_of_the_resiliency_has_its_policies_and_component(engine: Engine) -> None:
    deploy(engine)

    spec = engine.find("kubernetes:dapr.io/v1alpha1:Resiliency").inputs["spec"]
    targets = spec["targets"]["components"]
    used = [target for directions in targets.values() for target in directions.values()]
    for key, policies in (("timeout", "timeouts"), ("retry", "retries"), ("circuitBreaker", "circuitBreakers")):
        assert {target[key] for target in used if key in target} <= spec["policies"][policies].keys()
    assert targets.keys() <= set(engine.exports["names"])


def test_an_event_survives_half_an_hour_of_a_failing_backend(engine: Engine) -> None:
    deploy(engine)

    policies = engine.find("kubernetes:dapr.io/v1alpha1:Resiliency").inputs["spec"]
    retry = policies["policies"]["retries"][policies["targets"]["components"]["todo-pubsub"]["inbound"]["retry"]]
    assert retry["policy"] == "constant"  # Dapr gives up exponential ones after 15 minutes
    assert float(retry["duration"].removesuffix("s")) * int(retry["maxRetries"]) >= 30 * 60
