"""What is declared for Dapr, held against the custom resource definitions of the chart that is delivered."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pulumi
import pytest
import yaml
from pydantic import SecretStr

from components.app.dapr_components import DaprComponents, DaprComponentsArgs
from components.app.secrets import AppSecrets, AppSecretsArgs
from components.platform import dapr_crds
from components.platform.dapr import DaprControlPlane, DaprControlPlaneArgs
from settings.types import DNS_NAME, OFFICIAL_CHART
from tests.support import example
from tests.support.crd import strict
from tests.support.engine import Engine, Resource, Secret

CRDS = example.PROJECT_FOLDER / ".tools/charts/dapr/crds"
RELEASE = "kubernetes:helm.sh/v3:Release"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"


def deploy_control_plane(
    engine: Engine,
    *,
    chart: str = OFFICIAL_CHART,
    version: str = "1.15.4",
    scheduler: bool = False,
    protect: bool = False,
) -> None:
    def program() -> None:
        control_plane = DaprControlPlane(
            "dapr", DaprControlPlaneArgs(chart, version, example.DEFINITIONS, "dapr-system", scheduler, protect)
        )
        pulumi.export("namespace", control_plane.namespace)

    engine.deploy(program)


def deploy_components(engine: Engine, **changes: Any) -> None:
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
        "tracing_endpoint": "",
        "tracing_sampling_rate": 0.1,
    }

    def program() -> None:
        components = DaprComponents("dapr-components", DaprComponentsArgs(**defaults | changes))
        pulumi.export("names", components.names)
        pulumi.export("checksum", components.checksum)

    engine.deploy(program)


def metadata(component: Resource) -> dict[str, Any]:
    """The metadata of a Dapr component's spec: each value, or the (secret, key) that it is read from."""
    return {
        each["name"]: each.get("value") or (each["secretKeyRef"]["name"], each["secretKeyRef"]["key"])
        for each in component.inputs["spec"]["metadata"]
    }


def pubsub(engine: Engine) -> dict[str, Any]:
    return metadata(engine.find("kubernetes:dapr.io/v1alpha1:Component", "todo-pubsub"))


def configuration(engine: Engine) -> dict[str, Any]:
    return engine.find("kubernetes:dapr.io/v1alpha1:Configuration").inputs["spec"]


def test_the_official_chart_comes_from_daprs_repository_at_its_version(engine: Engine) -> None:
    deploy_control_plane(engine, version="1.15.5")

    release = engine.find(RELEASE).inputs
    assert (release["name"], release["namespace"], release["chart"]) == ("dapr", "dapr-system", "dapr")
    assert release["repositoryOpts"] == {"repo": "https://dapr.github.io/helm-charts"}
    assert release["version"] == release["values"]["global"]["tag"] == "1.15.5"
    assert engine.exports == {"namespace": "dapr-system"}


def test_a_chart_in_a_folder_comes_from_there_alone(engine: Engine) -> None:
    deploy_control_plane(engine, chart=".tools/charts/dapr")

    release = engine.find(RELEASE).inputs
    assert release["chart"] == ".tools/charts/dapr"
    assert release.keys().isdisjoint({"repositoryOpts", "version"})
    assert release["values"]["global"]["tag"] == "1.15.4"


def test_the_official_definitions_are_those_of_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        name = request.url.path.rpartition("/")[2]
        return httpx2.Response(200, text=yaml.safe_dump({"metadata": {"name": name}, "spec": {}}))

    transport = httpx2.MockTransport(answer)
    client = httpx2.Client
    monkeypatch.setattr(httpx2, "Client", lambda **options: client(transport=transport, **options))

    definitions = dapr_crds.read(OFFICIAL_CHART, "1.15.5")

    folder = "https://raw.githubusercontent.com/dapr/dapr/v1.15.5/charts/dapr/crds"
    names = ("components", "configuration", "httpendpoints", "resiliency", "subscription")
    assert asked == [f"{folder}/{name}.yaml" for name in names]
    assert [*definitions] == [f"{name}.yaml" for name in names]


@pytest.mark.skipif(not CRDS.is_dir(), reason="the Dapr chart is a tool: make tools")
def test_no_definition_of_the_chart_is_left_out() -> None:
    definitions = dapr_crds.read(str(CRDS.parent), "1.15.4")

    assert len(definitions) == len([*CRDS.iterdir()])
    assert {name.partition(".")[2] for name in definitions} == {"dapr.io"}


@pytest.mark.parametrize("text", [None, "[", "spec: {}"], ids=["none", "no YAML", "no name"])
def test_definitions_that_cannot_be_read_are_told(tmp_path: Path, text: str | None) -> None:
    folder = tmp_path / "crds"
    folder.mkdir()
    for name in dapr_crds.FILES if text else ():
        (folder / f"{name}.yaml").write_text(text or "")

    with pytest.raises(dapr_crds.UserError, match=r"definitions of Dapr 1\.15\.4 cannot be read") as error:
        dapr_crds.read(str(tmp_path), "1.15.4")

    assert "    pulumi config set daprChart FOLDER" in str(error.value)


def test_the_definitions_are_resources_that_keep_their_place(engine: Engine) -> None:
    deploy_control_plane(engine)

    declared = {resource.name: resource for resource in engine.resources if resource.type == DEFINITION}
    assert declared.keys() == example.DEFINITIONS.keys()
    assert declared["components.dapr.io"].inputs == example.DEFINITIONS["components.dapr.io"]


def test_helm_leaves_the_definitions_to_the_stack_and_waits_for_them(engine: Engine) -> None:
    deploy_control_plane(engine)

    release = engine.find(RELEASE)
    assert release.inputs["skipCrds"] is True
    before = {earlier.name for earlier in engine.finishes_first(release) if earlier.type == DEFINITION}
    assert before == example.DEFINITIONS.keys()


def test_a_control_plane_that_does_not_become_ready_is_taken_back(engine: Engine) -> None:
    deploy_control_plane(engine)

    release = engine.find(RELEASE).inputs
    assert (release["atomic"], release["timeout"]) == (True, 600)
    assert "skipAwait" not in release


@pytest.mark.parametrize("scheduler", [True, False])
def test_the_scheduler_is_a_setting(engine: Engine, *, scheduler: bool) -> None:
    deploy_control_plane(engine, scheduler=scheduler)

    assert engine.find(RELEASE).inputs["values"]["global"]["scheduler"] == {"enabled": scheduler}


@pytest.mark.parametrize("protect", [True, False])
def test_the_control_plane_is_protected_where_the_stack_is(engine: Engine, *, protect: bool) -> None:
    deploy_control_plane(engine, protect=protect)

    assert engine.find(RELEASE).protect is protect
    assert {engine.find(DEFINITION, name).protect for name in example.DEFINITIONS} == {protect}


def test_the_control_plane_encrypts_and_drops_what_it_does_not_need(engine: Engine) -> None:
    deploy_control_plane(engine)

    values = engine.find(RELEASE).inputs["values"]
    assert values["global"]["mtls"] == {"enabled": True}
    assert values["global"]["seccompProfile"] == "RuntimeDefault"
    assert values["dapr_sidecar_injector"]["sidecarDropALLCapabilities"] is True
    assert values["dapr_rbac"] == {"secretReader": {"enabled": False}}


@pytest.mark.skipif(not CRDS.is_dir(), reason="the Dapr chart is a tool: make tools")
def test_every_value_of_the_control_plane_is_one_of_the_chart(engine: Engine) -> None:
    deploy_control_plane(engine)

    chart = CRDS.parent
    defaults: dict[str, Any] = yaml.safe_load((chart / "values.yaml").read_text())
    for part in (chart / "charts").iterdir():
        defaults[part.name] = yaml.safe_load((part / "values.yaml").read_text())
    unknown = [
        f"{part}.{name}"
        for part, values in engine.find(RELEASE).inputs["values"].items()
        for name in values
        if name not in defaults[part]
    ]
    assert unknown == []


def test_the_webhook_of_a_definition_is_in_the_namespace_of_the_control_plane(engine: Engine) -> None:
    deploy_control_plane(engine)

    webhook = engine.find(DEFINITION, "subscriptions.dapr.io").inputs["spec"]["conversion"]["webhook"]
    assert webhook["clientConfig"]["service"] == {
        "namespace": "dapr-system",
        "name": "dapr-webhook",
        "path": "/convert",
    }


def test_the_backend_gets_its_components_and_policies(engine: Engine) -> None:
    deploy_components(engine)

    objects = {
        (resource.inputs["kind"], resource.inputs["metadata"]["name"]): resource.inputs.get("scopes")
        for resource in engine.resources
        if resource.type.startswith("kubernetes:dapr.io/")
    }
    assert objects == {
        ("Component", "todo-pubsub"): ["backend"],
        ("Component", "todo-state"): ["backend"],
        ("Component", "todo-secrets"): ["backend"],
        ("Resiliency", "todo-resiliency"): ["backend"],
        ("Subscription", "todo-events"): ["backend"],
        ("Configuration", "todo-app"): None,  # has no scopes: a pod's annotation names it
    }
    assert engine.exports["names"] == ["todo-pubsub", "todo-secrets", "todo-state"]


def test_what_a_sidecar_reads_at_its_start_has_another_checksum_where_it_differs() -> None:
    def checksum(**changes: Any) -> str:
        engine = Engine()
        deploy_components(engine, **changes)
        return engine.exports["checksum"]

    changes: list[dict[str, Any]] = [
        {},
        {"version": "1.15.5"},
        {"kafka_brokers": ("other.example.com:9092",)},
        {"kafka_consumer_group": "other"},
        {"tracing_endpoint": "collector:4317"},
        {"tracing_sampling_rate": 0.2},
    ]

    assert len({checksum(**change) for change in changes}) == len(changes)
    assert checksum() == checksum()


def test_every_dapr_object_is_in_the_namespace_of_the_app(engine: Engine) -> None:
    deploy_components(engine)

    objects = [resource for resource in engine.resources if resource.type.startswith("kubernetes:")]
    assert {resource.inputs["metadata"]["namespace"] for resource in objects} == {"todo"}
    assert {resource.parent for resource in objects} == {"dapr-components"}


@pytest.mark.skipif(not CRDS.is_dir(), reason="the Dapr chart is a tool: make tools")
@pytest.mark.parametrize("tracing_endpoint", ["", "collector.tracing:4317"])
def test_every_dapr_object_is_what_its_definition_admits(engine: Engine, tracing_endpoint: str) -> None:
    deploy_components(engine, tracing_endpoint=tracing_endpoint)

    schemas = {
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]): version["schema"][
            "openAPIV3Schema"
        ]
        for crd in (yaml.safe_load(file.read_text()) for file in CRDS.iterdir())
        for version in crd["spec"]["versions"]
    }
    for resource in engine.resources:
        if resource.type.startswith("kubernetes:dapr.io/"):
            schema = schemas[resource.inputs["apiVersion"], resource.inputs["kind"]]
            jsonschema.Draft7Validator(strict(schema)).validate(resource.inputs)


@pytest.mark.parametrize("topic", ["Todo_Events", "todo.events", "_"])
def test_every_topic_makes_names_that_kubernetes_takes(engine: Engine, topic: str) -> None:
    deploy_components(engine, kafka_topic=topic)

    subscription = engine.find("kubernetes:dapr.io/v2alpha1:Subscription").inputs
    assert subscription["spec"]["topic"] == topic
    assert re.fullmatch(DNS_NAME, subscription["metadata"]["name"])


def test_the_events_of_the_topic_go_to_the_backend_and_the_undeliverable_ones_aside(engine: Engine) -> None:
    deploy_components(engine, kafka_topic="other")

    assert engine.find("kubernetes:dapr.io/v2alpha1:Subscription").inputs["spec"] == {
        "pubsubname": "todo-pubsub",
        "topic": "other",
        "routes": {"default": "/events/todo"},
        "deadLetterTopic": "other-dead",
    }


@pytest.mark.parametrize(
    ("mechanism", "value"), [("SCRAM-SHA-256", "SHA-256"), ("SCRAM-SHA-512", "SHA-512"), ("PLAIN", "PLAINTEXT")]
)
@pytest.mark.parametrize(("tls", "disabled"), [(True, "false"), (False, "true")])
def test_kafka_is_reached_with_sasl_as_the_settings_say(
    engine: Engine, mechanism: str, value: str, disabled: str, *, tls: bool
) -> None:
    deploy_components(engine, kafka_sasl_mechanism=mechanism, kafka_tls=tls)

    assert engine.find("kubernetes:dapr.io/v1alpha1:Component", "todo-pubsub").inputs["spec"]["type"] == "pubsub.kafka"
    assert pubsub(engine) == {
        "brokers": "broker-0.example.com:9092,broker-1.example.com:9092",
        "consumerGroup": "todo-backend",
        "authType": "password",
        "saslMechanism": value,
        "saslUsername": ("kafka-secrets", "username"),
        "saslPassword": ("kafka-secrets", "password"),
        "disableTls": disabled,
        "initialOffset": "oldest",
    }


def test_the_state_is_kept_in_the_database(engine: Engine) -> None:
    deploy_components(engine)

    store = engine.find("kubernetes:dapr.io/v1alpha1:Component", "todo-state")
    assert (store.inputs["spec"]["type"], store.inputs["spec"]["version"]) == ("state.postgresql", "v2")
    assert metadata(store)["connectionString"] == ("app-secrets", "state-url")


def test_every_key_that_a_component_reads_is_in_the_secrets_of_the_app(engine: Engine) -> None:
    deploy_components(engine)
    keys = {
        reference
        for resource in engine.resources
        if resource.type == "kubernetes:dapr.io/v1alpha1:Component"
        for reference in metadata(resource).values()
        if isinstance(reference, tuple)
    }

    secrets = Engine()
    values = dict.fromkeys(AppSecretsArgs.__annotations__.keys() - {"namespace", "protect"}, SecretStr("canary"))
    secrets.deploy(lambda: AppSecrets("app-secrets", AppSecretsArgs("todo", protect=False, **values)))
    known = {
        (resource.name, key)
        for resource in secrets.resources
        if isinstance(resource.inputs.get("stringData"), Secret)
        for key in resource.inputs["stringData"].value
    }

    assert len(keys) == 3
    assert keys <= known


def test_a_component_reads_its_secrets_from_kubernetes(engine: Engine) -> None:
    deploy_components(engine)

    components = [r for r in engine.resources if r.type == "kubernetes:dapr.io/v1alpha1:Component"]
    assert [component.inputs["auth"] for component in components] == [{"secretStore": "kubernetes"}] * 3
    assert engine.find(components[0].type, "todo-secrets").inputs["spec"]["type"] == "secretstores.kubernetes"


def test_a_sidecar_gives_out_the_secrets_of_the_app_alone(engine: Engine) -> None:
    deploy_components(engine)

    assert configuration(engine)["secrets"]["scopes"] == [
        {
            "storeName": "todo-secrets",
            "defaultAccess": "deny",
            "allowedSecrets": ["app-secrets", "kafka-secrets"],
        },
        {"storeName": "kubernetes", "defaultAccess": "deny"},
    ]


def test_a_sidecar_serves_what_the_backend_uses_and_nobody_may_call_the_backend_through_it(engine: Engine) -> None:
    deploy_components(engine)

    spec = configuration(engine)
    assert {(api["name"], api["protocol"]) for api in spec["api"]["allowed"]} == {
        (name, protocol) for name in ("publish", "state", "secrets", "metadata") for protocol in ("http", "grpc")
    }
    assert spec["accessControl"]["defaultAction"] == "deny"
    assert spec["mtls"]["enabled"] is True


def test_a_sidecar_finds_the_control_plane_in_its_namespace(engine: Engine) -> None:
    deploy_components(engine, control_plane_namespace="dapr")

    assert configuration(engine)["mtls"]["sentryAddress"] == "dapr-sentry.dapr.svc.cluster.local:443"


@pytest.mark.parametrize(
    ("endpoint", "rate", "tracing"),
    [
        ("", 0.1, {"samplingRate": "0.1"}),
        ("", 0.0001, {"samplingRate": "0.0001"}),
        (
            "collector.tracing:4317",
            1.0,
            {
                "samplingRate": "1.0",
                "otel": {"endpointAddress": "collector.tracing:4317", "isSecure": False, "protocol": "grpc"},
            },
        ),
    ],
)
def test_traces_go_to_the_collector_where_there_is_one(
    engine: Engine, endpoint: str, rate: float, tracing: Mapping[str, Any]
) -> None:
    deploy_components(engine, tracing_endpoint=endpoint, tracing_sampling_rate=rate)

    assert configuration(engine)["tracing"] == tracing


def test_every_policy_of_the_resiliency_exists_and_its_components_too(engine: Engine) -> None:
    deploy_components(engine)

    spec = engine.find("kubernetes:dapr.io/v1alpha1:Resiliency").inputs["spec"]
    policies = spec["policies"]
    targets = spec["targets"]["components"]
    used = [target for directions in targets.values() for target in directions.values()]
    assert {target["timeout"] for target in used} <= policies["timeouts"].keys()
    assert {target["retry"] for target in used} <= policies["retries"].keys()
    assert {target["circuitBreaker"] for target in used if "circuitBreaker" in target} <= policies[
        "circuitBreakers"
    ].keys()
    assert targets.keys() <= set(engine.exports["names"])


def test_an_event_waits_out_half_an_hour_of_a_backend_that_fails(engine: Engine) -> None:
    deploy_components(engine)

    retries = engine.find("kubernetes:dapr.io/v1alpha1:Resiliency").inputs["spec"]["policies"]["retries"]["patient"]
    # Dapr gives up every exponential one after 15 minutes: pkg/resiliency/resiliency.go and kit's retry of 1.15.4.
    assert retries["policy"] == "constant"
    assert float(retries["duration"].removesuffix("s")) * int(retries["maxRetries"]) >= 30 * 60
