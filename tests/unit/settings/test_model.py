"""All settings together: Pulumi.yaml declares what the program reads, and every mistake is reported at once."""

import re
import traceback
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings.model import KEYS, SECRET_KEYS, Settings, SettingsError, load_settings
from settings.model import parse as parse_for
from tests.support import example
from tests.support.engine import STACK, Engine


def parse(config: Mapping[str, str], secret_settings: Collection[str] = SECRET_KEYS) -> Settings:
    return parse_for(config, secret_settings, "oke")


def failure(config: Mapping[str, str], secret_settings: Collection[str] = SECRET_KEYS) -> SettingsError:
    with pytest.raises(SettingsError) as error:
        parse(config, secret_settings)
    return error.value


def test_pulumi_yaml_declares_and_describes_the_settings_that_the_program_reads() -> None:
    assert example.DECLARED.keys() == KEYS.keys()
    for declared in example.DECLARED.values():
        assert declared["type"] == "string"
        assert isinstance(declared["default"], str)
        assert declared["description"].endswith(".")


def described(pattern: str) -> set[str]:
    """Return the settings whose description begins so."""
    return {key for key, declared in example.DECLARED.items() if re.match(pattern, declared["description"])}


def test_description_says_which_settings_are_required_and_encrypted() -> None:
    mistakes = failure({key: declared["default"] for key, declared in example.DECLARED.items()}, ()).mistakes

    assert described("Required(?! with )") == {key for key, each in mistakes.items() if each.clause == "is not set"}
    assert described(r"(Required, e|E)ncrypted\.") == SECRET_KEYS


@pytest.mark.parametrize("file", sorted(example.PROJECT_FOLDER.glob("Pulumi.*.yaml")), ids=lambda file: file.name)
def test_settings_of_a_stack_are_declared_and_its_secrets_encrypted(file: Path) -> None:
    stack: dict[str, Any] = yaml.safe_load(file.read_text())["config"]
    own = {key.removeprefix("todo-oke:"): value for key, value in stack.items() if key.startswith("todo-oke:")}

    assert own.keys() <= KEYS.keys()
    assert {key for key, value in own.items() if isinstance(value, dict)} <= SECRET_KEYS
    assert SECRET_KEYS.isdisjoint(key for key, value in own.items() if not isinstance(value, dict))


def test_defaults_are_valid(config: Mapping[str, str]) -> None:
    assert parse({**config, "valuesFile": example.DECLARED["valuesFile"]["default"]})


@pytest.mark.parametrize("key", ["namespace", "kafkaBrokers", "databaseUrl", "frontendImage", "kubeconfig"])
def test_empty_setting_is_one_that_is_not_set(config: Mapping[str, str], key: str) -> None:
    absent = {other: value for other, value in config.items() if other != key}

    for incomplete in (absent, {**config, key: ""}):
        mistakes = failure(incomplete).mistakes

        assert mistakes.keys() == {key}
        assert mistakes[key].hint.startswith("pulumi config --stack oke set ")


@pytest.mark.parametrize("key", sorted(example.SECRETS))
def test_secret_in_plain_text_is_a_mistake(config: Mapping[str, str], key: str) -> None:
    mistakes = failure(config, SECRET_KEYS - {key}).mistakes

    assert mistakes.keys() == {key}
    assert "plain text" in mistakes[key].clause
    assert mistakes[key].hint == f"pulumi config --stack oke set --secret {key}"


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("kafkaBroker", "kafkaBrokers"), ("release_timeout_seconds", "releaseTimeoutSeconds"), ("colour", "")],
)
def test_unknown_key_is_reported_with_the_nearest(config: Mapping[str, str], key: str, nearest: str) -> None:
    mistakes = failure({**config, key: "example"}).mistakes

    assert mistakes.keys() == {key}
    assert nearest in mistakes[key].clause
    assert ("did you mean" in mistakes[key].clause) == bool(nearest)
    assert mistakes[key].hint == f"pulumi config --stack oke rm {key}"


NEW_CLUSTER = {"kubeconfig": "", "compartmentOcid": "ocid1.compartment.oc1..a", "region": "eu-frankfurt-1"}
CLUSTER = {"kubeconfig": "", "clusterOcid": "ocid1.cluster.oc1.eu-frankfurt-1.a", "region": "eu-frankfurt-1"}
BUILD = {"imageSource": "build", "imageRegistry": "ghcr.io/example", "frontendImage": "", "backendImage": ""}


@pytest.mark.parametrize(
    "changes",
    [
        NEW_CLUSTER,
        CLUSTER,
        BUILD,
        {"imageSource": "registry"},
        {"letsEncryptEmail": "me@example.com", "host": "todo.example.com"},
        {"registryToken": "canary", "registryUser": "example"},
    ],
)
def test_setting_that_another_one_replaces_may_be_empty(config: Mapping[str, str], changes: Mapping[str, str]) -> None:
    assert parse({**config, **changes})


@pytest.mark.parametrize(
    ("changes", "key", "hint"),
    [
        ({**NEW_CLUSTER, "region": ""}, "region", "set region eu-frankfurt-1"),
        ({**NEW_CLUSTER, "kubeconfig": "kubeconfig"}, "kubeconfig", "rm kubeconfig"),
        ({**NEW_CLUSTER, **CLUSTER}, "compartmentOcid", "rm compartmentOcid"),
        ({**BUILD, "imageRegistry": ""}, "imageRegistry", "set imageRegistry ghcr.io/OWNER"),
        ({"imageSource": "registry", "frontendImage": ""}, "frontendImage", "set frontendImage "),
        ({"letsEncryptEmail": "me@example.com"}, "host", "set host todo.example.com"),
        ({"registryToken": "canary"}, "registryUser", "set registryUser OWNER"),
        ({"registryUser": "example"}, "registryUser", "set --secret registryToken"),
        ({"clusterOcid": "wrong", "kubeconfig": ""}, "clusterOcid", "rm clusterOcid"),
    ],
)
def test_setting_that_another_one_requires_or_excludes_is_reported(
    config: Mapping[str, str], changes: Mapping[str, str], key: str, hint: str
) -> None:
    mistakes = failure({**config, **changes}).mistakes

    assert mistakes.keys() == {key}
    assert mistakes[key].hint.startswith(f"pulumi config --stack oke {hint}")


def test_mistakes_are_listed_by_key_with_a_hint_below_each(config: Mapping[str, str]) -> None:
    _, host, hint, protect, _ = str(failure({**config, "protect": "yes", "host": "a b"})).splitlines()

    assert host.startswith("  host ")
    assert hint == "    pulumi config --stack oke set host todo.example.com"
    assert protect.startswith("  protect ")


def test_all_mistakes_are_reported_at_once(config: Mapping[str, str]) -> None:
    free = {"context", "clusterIdentifier", "registryUser"}  # any text is right
    wrong = dict.fromkeys([*(KEYS.keys() - free), "colour"], "\t")

    assert failure({**config, **wrong}).mistakes.keys() == wrong.keys()


@pytest.mark.parametrize("encrypted", [SECRET_KEYS, ()], ids=["encrypted", "plain"])
def test_mistakes_show_no_secret(config: Mapping[str, str], encrypted: Collection[str]) -> None:
    error = failure({**config, **dict.fromkeys(SECRET_KEYS, "canary\t"), "colour": "canary"}, encrypted)

    assert example.CANARY not in "".join(traceback.format_exception(error))


def test_mistake_in_any_encrypted_setting_shows_no_part_of_it(config: Mapping[str, str]) -> None:
    wrong = {"kafkaBrokers": "broker:9092,user:canary@broker", "nodeCount": "canary"}

    error = failure({**config, **wrong}, {*SECRET_KEYS, *wrong})

    assert error.mistakes.keys() == wrong.keys()
    assert example.CANARY not in str(error)


def test_settings_hide_their_secrets(config: Mapping[str, str]) -> None:
    parsed = parse({**config, "kubeconfig": yaml.safe_dump(example.kubeconfig())}, {*SECRET_KEYS, "kubeconfig"})

    assert example.CANARY not in f"{parsed} {parsed!r} {parsed.kubeconfig} {parsed.kubeconfig!r}"


def test_ports_come_from_the_addresses(config: Mapping[str, str]) -> None:
    usual = parse(config)
    other = parse(
        {
            **config,
            "databaseUrl": "postgresql://todo:canary@db.example.com:6432/todo",
            "kafkaBrokers": "a:9093,b:9092,c:9093",
            "tracingEndpoint": "collector.tracing:4317",
        }
    )

    assert (usual.database_port, usual.kafka_ports, usual.tracing_port) == (5432, [9092], 0)
    assert (other.database_port, other.kafka_ports, other.tracing_port) == (6432, [9092, 9093], 4317)


def test_program_loads_the_settings_of_its_own_project(engine: Engine, config: Mapping[str, str]) -> None:
    loaded: list[Settings] = []
    others = {"kubernetes:namespace": "other", "todo:namespace": "other"}

    engine.deploy(lambda: loaded.append(load_settings()), config={**config, **others}, encrypted=example.SECRETS)

    assert loaded == [parse(config)]


def test_program_sees_which_settings_are_encrypted(engine: Engine, config: Mapping[str, str]) -> None:
    with pytest.raises(SettingsError) as error:
        engine.deploy(load_settings, config=config, encrypted=example.SECRETS.keys() - {"cohereApiKey"})

    assert error.value.mistakes["cohereApiKey"].hint == f"pulumi config --stack {STACK} set --secret cohereApiKey"
