from collections.abc import Mapping

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


@pytest.mark.parametrize("protect", [True, False])
def test_secrets_hold_the_values_and_the_protection_of_the_settings(*, protect: bool) -> None:
    engine = deploy(protect=protect)

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
    assert {(secret.parent, secret.protect) for secret in secrets} == {("app-secrets", protect)}
    assert example.CANARY not in f"{engine.resources} {engine.outputs} {engine.log} {engine.debug_log}"


@pytest.mark.parametrize(
    ("rotated", "changed"),
    [
        ("cohere_api_key", {"app-secrets"}),
        ("better_auth_secret", {"app-secrets", "kafka-secrets"}),  # the key of both: no password can be guessed
        ("database_url", {"app-secrets"}),
        ("kafka_username", {"kafka-secrets"}),
        ("kafka_password", {"kafka-secrets"}),
    ],
)
def test_a_rotated_value_changes_the_checksum_of_its_secret(rotated: str, changed: set[str]) -> None:
    before, after = (deploy(values).exports["checksums"] for values in (VALUES, {**VALUES, rotated: "x" * 32}))

    assert {name for name in before if before[name] != after[name]} == changed


def test_swapped_values_change_the_checksum() -> None:
    assert deploy().exports == deploy().exports
    swapped = {**VALUES, "kafka_username": VALUES["kafka_password"], "kafka_password": VALUES["kafka_username"]}

    assert deploy().exports["checksums"]["kafka-secrets"] != deploy(swapped).exports["checksums"]["kafka-secrets"]
