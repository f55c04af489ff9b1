"""All settings together: what Pulumi.yaml declares is what the program reads, and every mistake is told at once."""

import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from settings import model
from settings.model import KEYS, Settings, SettingsError, parse
from tests.support import example
from tests.support.engine import Engine

# Each setting that can be wrong, and two that do not exist.
ALL_WRONG: Mapping[str, str] = {
    "kubeconfig": "missing.yaml",
    "namespace": "Default",
    "protect": "maybe",
    "frontendImage": "frontend",
    "backendImage": "backend",
    "valuesFile": "missing.yaml",
    "releaseTimeoutSeconds": "300s",
    "host": "*.example.com",
    "cohereApiKey": "canary\n",
    "betterAuthSecret": "canary",
    "databaseUrl": "canary",
    "kafkaUsername": "canary ",
    "kafkaPassword": "\tcanary",
    "kafkaBrokers": ":9092",
    "kafkaSaslMechanism": "GSSAPI",
    "kafkaTls": "on",
    "kafkaTopic": "todo/events",
    "kafkaConsumerGroup": "todo backend",
    "daprChart": "missing",
    "daprVersion": "latest",
    "daprNamespace": "Dapr",
    "daprScheduler": "off",
    "tracingEndpoint": "4317",
    "tracingSamplingRate": "2",
    "kafkaBroker": "canary",
    "colour": "canary",
    "clusterOcid": "cluster",
    "compartmentOcid": "compartment",
    "region": "Frankfurt",
    "clusterName": "todo oke",
    "kubernetesVersion": "1.34",
    "nodeCount": "none",
    "nodeOcpus": "0",
    "nodeMemoryGb": "0",
    "nodeBootVolumeGb": "0",
    "apiAllowedCidrs": "any",
    "retainOnDelete": "0",
    "ingressController": "0",
    "ingressChart": "missing",
    "ingressVersion": "41",
    "letsEncryptEmail": "me",
    "certManagerChart": "missing",
    "certManagerVersion": "1",
    "imageSource": "docker",
    "imageRegistry": "ghcr.io",
    "imagePlatforms": "arm",
    "imageCache": "on",
    "imageScan": "all",
    "signImages": "maybe",
    "registryToken": " canary",
    "repository": "todo",
    "reviewers": "@example",
    "requireChecks": "0",
}


def test_pulumi_yaml_declares_the_settings_that_the_program_reads() -> None:
    assert example.DECLARED.keys() == KEYS.keys()


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_declared_as_a_described_string(key: str) -> None:
    declared = example.DECLARED[key]

    assert declared.keys() == {"type", "default", "description"}
    assert declared["type"] == "string"
    assert isinstance(declared["default"], str)
    assert declared["description"].endswith(".")


def test_a_key_is_described_as_required_exactly_when_it_must_be_set() -> None:
    required = {
        key for key, declared in example.DECLARED.items() if re.match(r"Required(?! with )", declared["description"])
    }
    defaults = {key: declared["default"] for key, declared in example.DECLARED.items()}

    with pytest.raises(SettingsError) as error:
        parse(defaults | {"valuesFile": ""}, ())

    told = {line.split()[0] for line in str(error.value).splitlines() if line.endswith(" is not set")}
    assert told - {"valuesFile"} == required


def test_a_key_is_described_as_encrypted_exactly_when_it_holds_a_secret() -> None:
    described = {
        key
        for key, declared in example.DECLARED.items()
        if re.match(r"(Required, e|E)ncrypted\.", declared["description"])
    }

    assert described == model.SECRET_KEYS


@pytest.mark.parametrize("file", sorted(example.PROJECT_FOLDER.glob("Pulumi.*.yaml")), ids=lambda file: file.name)
def test_the_settings_of_a_stack_are_declared_and_its_secrets_encrypted(file: Path) -> None:
    stack: dict[str, Any] = yaml.safe_load(file.read_text())["config"]
    own = {key.removeprefix("todo-oke:"): value for key, value in stack.items() if key.startswith("todo-oke:")}

    assert own.keys() <= KEYS.keys()
    assert {key for key, value in own.items() if isinstance(value, dict)} <= model.SECRET_KEYS
    assert model.SECRET_KEYS.isdisjoint(key for key, value in own.items() if not isinstance(value, dict))


def test_the_defaults_are_right(config: Mapping[str, str]) -> None:
    parsed = parse({**config, "valuesFile": example.DECLARED["valuesFile"]["default"]}, example.SECRETS)

    assert parsed.model_dump(exclude={"kubeconfig", "frontend_image", "backend_image"}) == {
        "context": "",
        "cluster_ocid": "",
        "compartment_ocid": "",
        "cluster_identifier": "",
        "namespace": "default",
        "protect": True,
        "region": "",
        "cluster_name": "todo-oke",
        "kubernetes_version": "",
        "node_count": 2,
        "node_ocpus": 1,
        "node_memory_gb": 6,
        "node_boot_volume_gb": 50,
        "api_allowed_cidrs": ("0.0.0.0/0",),
        "retain_on_delete": False,
        "ingress_controller": False,
        "ingress_chart": "official",
        "ingress_version": "41.6.0",
        "lets_encrypt_email": "",
        "cert_manager_chart": "official",
        "cert_manager_version": "1.21.2",
        "image_source": "pinned",
        "image_registry": "",
        "image_platforms": ("linux/arm64",),
        "image_cache": "registry",
        "image_scan": (),
        "sign_images": False,
        "registry_token": SecretStr(""),
        "registry_user": "",
        "repository": "",
        "reviewers": (),
        "require_checks": False,
        "values_file": Path("infra/helm/todo-app/values-oke.yaml"),
        "release_timeout_seconds": 300,
        "verify_timeout_seconds": 180,
        "host": "",
        "cohere_api_key": parsed.cohere_api_key,
        "better_auth_secret": parsed.better_auth_secret,
        "database_url": parsed.database_url,
        "kafka_username": parsed.kafka_username,
        "kafka_password": parsed.kafka_password,
        "dapr_chart": "official",
        "dapr_version": "1.15.4",
        "dapr_namespace": "dapr-system",
        "dapr_scheduler": False,
        "kafka_brokers": ("broker.example.com:9092",),
        "kafka_sasl_mechanism": "SCRAM-SHA-256",
        "kafka_tls": True,
        "kafka_topic": "todo-events",
        "kafka_consumer_group": "todo-backend",
        "tracing_endpoint": "",
        "tracing_sampling_rate": 0.1,
    }


# Settings that need no value, in the stack of `example` at least.
OPTIONAL = frozenset(
    {
        *("context", "clusterOcid", "compartmentOcid", "clusterIdentifier", "region", "kubernetesVersion"),
        *("letsEncryptEmail", "host", "imageRegistry", "imageScan", "registryToken", "registryUser"),
        *("repository", "reviewers", "tracingEndpoint"),
    }
)


@pytest.mark.parametrize("key", sorted(KEYS.keys() - OPTIONAL))
def test_an_empty_setting_is_one_that_is_not_set(config: Mapping[str, str], key: str) -> None:
    absent = {other: value for other, value in config.items() if other != key}

    for incomplete in (absent, {**config, key: ""}):
        with pytest.raises(SettingsError, match=rf"^1 setting to mend.*\n  {key} is not set\n    pulumi config set "):
            parse(incomplete, example.SECRETS)


@pytest.mark.parametrize("key", sorted(example.SECRETS))
def test_a_secret_in_plain_text_is_a_mistake_even_where_its_value_is_right(config: Mapping[str, str], key: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse(config, example.SECRETS.keys() - {key})

    assert str(error.value) == (
        "1 setting to mend, nothing was changed:\n"
        f"  {key} is stored in plain text, not encrypted\n"
        f"    pulumi config set --secret {key}"
    )


@pytest.mark.parametrize(
    ("key", "mistake"),
    [
        ("kafkaBroker", "is no setting of this project; the nearest is kafkaBrokers"),
        ("frontendimage", "is no setting of this project; the nearest is frontendImage"),
        ("release_timeout_seconds", "is no setting of this project; the nearest is releaseTimeoutSeconds"),
        ("colour", "is no setting of this project"),
    ],
)
def test_a_key_that_does_not_exist_is_named_with_the_nearest_that_does(
    config: Mapping[str, str], key: str, mistake: str
) -> None:
    with pytest.raises(SettingsError) as error:
        parse({**config, key: "example"}, example.SECRETS)

    assert str(error.value) == (
        f"1 setting to mend, nothing was changed:\n  {key} {mistake}\n    pulumi config rm {key}"
    )


OKE = {"kubeconfig": "", "compartmentOcid": "ocid1.compartment.oc1..a", "region": "eu-frankfurt-1"}
BUILD = {"imageSource": "build", "imageRegistry": "ghcr.io/example", "frontendImage": "", "backendImage": ""}


@pytest.mark.parametrize(
    "changes",
    [
        OKE,
        {"kubeconfig": "", "clusterOcid": "ocid1.cluster.oc1.eu-frankfurt-1.a", "region": "eu-frankfurt-1"},
        BUILD,
        {"imageSource": "registry"},
        {"letsEncryptEmail": "me@example.com", "host": "todo.example.com"},
        {"registryToken": "canary", "registryUser": "example"},
    ],
)
def test_what_another_setting_makes_needless_may_be_empty(
    config: Mapping[str, str], changes: Mapping[str, str]
) -> None:
    parse({**config, **changes}, model.SECRET_KEYS)


@pytest.mark.parametrize(
    ("changes", "mistake", "mended_by"),
    [
        ({**OKE, "region": ""}, "region is not set", "set region eu-frankfurt-1"),
        (
            {**OKE, "kubeconfig": "kubeconfig"},
            "kubeconfig names a cluster, and so does compartmentOcid",
            "rm kubeconfig",
        ),
        (
            {**OKE, "clusterOcid": "ocid1.cluster.oc1.eu-frankfurt-1.a"},
            "compartmentOcid asks for a cluster, and clusterOcid names one",
            "rm compartmentOcid",
        ),
        ({**BUILD, "imageRegistry": ""}, "imageRegistry is not set", "set imageRegistry ghcr.io/OWNER"),
        (
            {"imageSource": "registry", "frontendImage": ""},
            "frontendImage is not set",
            "set frontendImage ghcr.io/OWNER/todo-frontend:sha-1a2b3c4",
        ),
        ({"letsEncryptEmail": "me@example.com"}, "host is not set", "set host todo.example.com"),
        ({"registryToken": "canary"}, "registryUser is not set", "set registryUser OWNER"),
        (
            {"registryUser": "example"},
            "registryUser pulls with a token, which is not set",
            "set --secret registryToken",
        ),
        ({"clusterOcid": "wrong", "kubeconfig": ""}, "clusterOcid is not a cluster's OCID: 'wrong'", "rm clusterOcid"),
    ],
)
def test_a_setting_that_another_one_asks_for_is_told(
    config: Mapping[str, str], changes: Mapping[str, str], mistake: str, mended_by: str
) -> None:
    with pytest.raises(SettingsError) as error:
        parse({**config, **changes}, model.SECRET_KEYS)

    assert str(error.value) == f"1 setting to mend, nothing was changed:\n  {mistake}\n    pulumi config {mended_by}"


def test_two_mistakes_are_told_at_once(config: Mapping[str, str]) -> None:
    with pytest.raises(SettingsError) as error:
        parse({**config, "protect": "yes", "host": "a b"}, example.SECRETS)

    assert str(error.value) == (
        "2 settings to mend, nothing was changed:\n"
        "  host is not a host name: 'a b'\n"
        "    pulumi config set host todo.example.com\n"
        "  protect is neither true nor false: 'yes'\n"
        "    pulumi config set protect true"
    )


def test_all_mistakes_are_told_in_the_order_of_their_keys(config: Mapping[str, str]) -> None:
    with pytest.raises(SettingsError) as error:
        parse({**config, **ALL_WRONG}, example.SECRETS)

    heading, *lines = str(error.value).splitlines()
    told = [line.split()[0] for line in lines[::2]]
    assert told == sorted(ALL_WRONG)
    assert heading == f"{len(told)} settings to mend, nothing was changed:"
    assert all(line.startswith("    pulumi config ") for line in lines[1::2])


@pytest.mark.parametrize("encrypted", [example.SECRETS.keys(), ()], ids=["encrypted", "plain"])
def test_no_mistake_shows_a_secret(config: Mapping[str, str], encrypted: frozenset[str]) -> None:
    with pytest.raises(SettingsError) as error:
        parse({**config, **ALL_WRONG}, encrypted)

    assert example.CANARY not in "".join(traceback.format_exception(error.value))


def test_the_settings_hide_their_secrets(config: Mapping[str, str]) -> None:
    parsed = parse({**config, "kubeconfig": yaml.safe_dump(example.kubeconfig())}, {*example.SECRETS, "kubeconfig"})

    assert example.CANARY not in f"{parsed} {parsed!r} {parsed.kubeconfig} {parsed.kubeconfig!r}"


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("postgresql://todo:canary@db.example.com/todo", 5432),
        ("postgresql://todo:canary@db.example.com:6432/todo", 6432),
    ],
)
def test_the_port_of_the_database_is_the_one_of_its_url(config: Mapping[str, str], url: str, port: int) -> None:
    assert parse({**config, "databaseUrl": url}, example.SECRETS).database_port == port


def test_the_ports_of_the_brokers_are_named_once_each(config: Mapping[str, str]) -> None:
    parsed = parse({**config, "kafkaBrokers": "a:9093,b:9092,c:9093"}, example.SECRETS)

    assert parsed.kafka_ports == [9092, 9093]


@pytest.mark.parametrize(("endpoint", "port"), [("", 0), ("collector.tracing:4317", 4317)])
def test_the_port_of_the_collector_is_none_where_there_is_no_collector(
    config: Mapping[str, str], endpoint: str, port: int
) -> None:
    assert parse({**config, "tracingEndpoint": endpoint}, example.SECRETS).tracing_port == port


def load(engine: Engine, config: Mapping[str, str]) -> Settings:
    loaded: list[Settings] = []
    engine.deploy(lambda: loaded.append(model.load()), config=config, encrypted=example.SECRETS)
    return loaded[0]


def test_a_program_loads_the_settings_of_its_own_project(engine: Engine, config: Mapping[str, str]) -> None:
    loaded = load(engine, {**config, "kubernetes:namespace": "other", "todo:namespace": "other"})

    assert loaded == parse(config, example.SECRETS)


def test_a_program_with_a_wrong_setting_ends_without_a_traceback(engine: Engine, config: Mapping[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^1 setting to mend, nothing was changed:\n  protect is neither"):
        load(engine, {**config, "protect": "yes"})


def test_a_program_sees_which_settings_are_encrypted(engine: Engine, config: Mapping[str, str]) -> None:
    with pytest.raises(SettingsError, match="cohereApiKey is stored in plain text"):
        engine.deploy(model.load, config=config, encrypted=example.SECRETS.keys() - {"cohereApiKey"})


def test_a_mistake_in_an_encrypted_setting_does_not_repeat_a_part_of_it(config: Mapping[str, str]) -> None:
    with pytest.raises(SettingsError) as error:
        parse({**config, "kafkaBrokers": "broker:9092,user:canary@broker"}, {*example.SECRETS, "kafkaBrokers"})

    assert "kafkaBrokers has a broker that is not host:port\n" in str(error.value)
