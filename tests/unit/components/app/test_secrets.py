import base64
import hashlib
import json
from collections.abc import Mapping
from itertools import permutations

import pulumi
import pytest
from pydantic import SecretStr

from components.app.secrets import AppSecrets, AppSecretsArgs
from tests.support import example
from tests.support.engine import Engine, Secret

VALUES: Mapping[str, str] = {
    "cohere_api_key": "canary-cohere",
    "better_auth_secret": "canary-better-auth-0123456789abcdef",
    "database_url": "postgresql://todo:canary@db.example.com/todo",
    "kafka_username": "canary-user",
    "kafka_password": "canary-password",
}


def deploy(values: Mapping[str, str] = VALUES, *, protect: bool = False) -> Engine:
    engine = Engine()
    secrets = {name: SecretStr(value) for name, value in values.items()}

    def program() -> None:
        app_secrets = AppSecrets("app-secrets", AppSecretsArgs(namespace="todo", protect=protect, **secrets))
        pulumi.export("checksums", app_secrets.checksums)

    engine.deploy(program)
    return engine


def test_the_secrets_hold_what_the_applications_read() -> None:
    engine = deploy()

    secrets = [resource for resource in engine.resources if resource.type == "kubernetes:core/v1:Secret"]
    assert {secret.inputs["metadata"]["name"]: secret.inputs["stringData"] for secret in secrets} == {
        "app-secrets": Secret(
            {
                "cohere-api-key": VALUES["cohere_api_key"],
                "better-auth-secret": VALUES["better_auth_secret"],
                "database-url": VALUES["database_url"],
                "state-url": VALUES["database_url"],
            }
        ),
        "kafka-secrets": Secret({"username": VALUES["kafka_username"], "password": VALUES["kafka_password"]}),
    }
    assert {secret.inputs["metadata"]["namespace"] for secret in secrets} == {"todo"}
    assert {secret.inputs["type"] for secret in secrets} == {"Opaque"}
    assert {secret.parent for secret in secrets} == {"app-secrets"}


def test_no_value_is_shown_in_the_state() -> None:
    engine = deploy()

    assert example.CANARY not in f"{engine.resources} {engine.outputs} {engine.log} {engine.debug_log}"


@pytest.mark.parametrize("protect", [True, False])
def test_the_secrets_are_protected_where_the_stack_is(*, protect: bool) -> None:
    engine = deploy(protect=protect)

    protected = [resource.protect for resource in engine.resources if resource.type == "kubernetes:core/v1:Secret"]
    assert protected == [protect, protect]


@pytest.mark.parametrize(
    ("rotated", "changed"),
    [
        ("cohere_api_key", {"app-secrets"}),
        ("better_auth_secret", {"app-secrets", "kafka-secrets"}),  # it is the key of both, and the same pods use both
        ("database_url", {"app-secrets"}),
        ("kafka_username", {"kafka-secrets"}),
        ("kafka_password", {"kafka-secrets"}),
    ],
)
def test_a_rotated_value_changes_the_checksum_of_its_secret(rotated: str, changed: set[str]) -> None:
    before, after = (deploy(values).exports["checksums"] for values in (VALUES, {**VALUES, rotated: "x" * 32}))

    assert {name for name in before if before[name] != after[name]} == changed


def test_swapped_values_change_the_checksum() -> None:
    swapped = {**VALUES, "kafka_username": VALUES["kafka_password"], "kafka_password": VALUES["kafka_username"]}

    assert deploy().exports["checksums"]["kafka-secrets"] != deploy(swapped).exports["checksums"]["kafka-secrets"]


def test_the_same_values_have_the_same_checksums_in_every_process() -> None:
    # Another one would roll every pod once, in an update that changes nothing else.
    assert deploy().exports["checksums"] == {"app-secrets": "74b2c77b9bcdbcee", "kafka-secrets": "d30d1209f630451e"}


def test_a_checksum_is_no_hash_by_which_a_weak_password_could_be_guessed() -> None:
    weak = {"username": "admin", "password": "admin1"}
    checksum = deploy({**VALUES, "kafka_username": "admin", "kafka_password": "admin1"}).exports["checksums"]

    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in weak.items()}
    guesses = {json.dumps(guess, sort_keys=keys) for guess in (weak, encoded) for keys in (True, False)}
    guesses |= {separator.join(order) for separator in ("", ":", "\n", "\0") for order in permutations(weak.values())}
    hashes = {hashlib.new(kind, guess.encode()).hexdigest() for kind in ("sha256", "sha1", "md5") for guess in guesses}
    assert not any(checksum["kafka-secrets"] in digest for digest in hashes)
