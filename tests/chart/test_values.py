import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
import yaml

from tests.support import helm

DIGEST = f"@sha256:{'0f' * 32}"


def nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def test_lint_finds_nothing(environment: helm.Environment) -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in helm.lint(environment)


@pytest.mark.parametrize(
    "image",
    [
        "todo:1",
        "todo:1.2.3_rc-1",
        f"todo{DIGEST}",
        f"host.example.org:5000/a_b/todo:latest{DIGEST}",
        "ghcr.io/a/b/c:sha-1a2b3c4",
    ],
)
def test_an_image_has_a_tag_that_stays_or_a_digest(image: str) -> None:
    release = helm.template("oke", {"frontend": {"image": image}})
    assert release.pods()["frontend"]["spec"]["containers"][0]["image"] == image


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("frontend.image", None, "at '/frontend': missing property 'image'"),
        ("backend.image", None, "at '/backend': missing property 'image'"),
        ("backend.image", {"repository": "a/b", "tag": "1"}, "at '/backend/image': got object, want string"),
        ("backend.image", "", "at '/backend/image': '' does not match pattern"),
        (
            "backend.image",
            "ghcr.io/acme/todo-backend",
            "at '/backend/image': 'ghcr.io/acme/todo-backend' does not match pattern",
        ),
        ("backend.image", "a/b:latest", "at '/backend/image': 'a/b:latest' does not match pattern '@sha256:"),
        ("backend.image", "ghcr.io/Acme/b:1", "at '/backend/image': 'ghcr.io/Acme/b:1' does not match pattern"),
        ("backend.image", "host:5000/b", "at '/backend/image': 'host:5000/b' does not match pattern"),
        ("backend.image", "a/b@sha256:0f0f", "at '/backend/image': 'a/b@sha256:0f0f' does not match pattern"),
        ("backend.image", "a/b:1\nprivileged: true", "at '/backend/image': 'a/b:1\\nprivileged: true' does not match"),
        ("frontend.replicas", -1, "at '/frontend/replicas': minimum: got -1, want 1"),
        ("frontend.replicas", "2", "at '/frontend/replicas': got string, want integer"),
        (
            "backend.resources.requests.cpu",
            "0.1 cores",
            "at '/backend/resources/requests/cpu': '0.1 cores' does not match pattern",
        ),
        ("backend.resources.requests.cpu", 1, "at '/backend/resources/requests/cpu': got number, want string"),
        (
            "backend.resources.limits.memory",
            "512",
            "at '/backend/resources/limits/memory': '512' does not match pattern",
        ),
        ("backend.resources.limits.memory", None, "at '/backend/resources/limits': missing property 'memory'"),
        (
            "backend.resources.limits.gpu",
            "1",
            "at '/backend/resources/limits': additional properties 'gpu' not allowed",
        ),
        ("backend.autoscaling.enabled", "yes", "at '/backend/autoscaling/enabled': got string, want boolean"),
        ("backend.autoscaling.targetCPUUtilizationPercentage", 101, "maximum: got 101, want 100"),
        (
            "backend.disruptionBudget.maxUnavailable",
            0,
            "at '/backend/disruptionBudget/maxUnavailable': minimum: got 0, want 1",
        ),
        (
            "backend.secretChecksums",
            {"app/secrets": "5a"},
            "at '/backend/secretChecksums': additional properties 'app/secrets' not allowed",
        ),
        (
            "backend.secretChecksums",
            {"app-secrets": 5},
            "at '/backend/secretChecksums/app-secrets': got number, want string",
        ),
        ("secrets.app", "App_Secrets", "at '/secrets/app': 'App_Secrets' does not match pattern"),
        ("imagePullSecrets", "ghcr", "at '/imagePullSecrets': got string, want array"),
        ("topologyKeys", ["hostname"], "at '/topologyKeys/0': 'hostname' does not match pattern"),
        ("dapr.appId", "todo.backend", "at '/dapr/appId': 'todo.backend' does not match pattern"),
        ("dapr.appPort", 9000, "at '/dapr': additional properties 'appPort' not allowed"),
        ("dapr.logLevel", "verbose", "at '/dapr/logLevel': value must be one of 'debug', 'info', 'warn', 'error'"),
        (
            "ingress.host",
            "https://todo.example.org",
            "at '/ingress/host': 'https://todo.example.org' does not match pattern",
        ),
        ("ingress.annotations", {"a/b": True}, "at '/ingress/annotations/a~1b': got boolean, want string"),
        ("networkPolicy.kafkaPorts", [], "at '/networkPolicy/kafkaPorts': minItems: got 0, want 1"),
        ("networkPolicy.kafkaPorts", [70000], "at '/networkPolicy/kafkaPorts/0': maximum: got 70,000, want 65,535"),
        (
            "networkPolicy.apiServer.cidr",
            "10.0.0.1",
            "at '/networkPolicy/apiServer/cidr': '10.0.0.1' does not match pattern",
        ),
        (
            "networkPolicy.extraEgress",
            [{"ports": [{"port": 1}]}],
            "at '/networkPolicy/extraEgress/0': missing property 'to'",
        ),
        ("backend.env", {"cohere-model": "a"}, "at '/backend/env': additional properties 'cohere-model' not allowed"),
        ("backend.env", {"DATABASE_URL": "a"}, "at '/backend/env/DATABASE_URL': false schema"),
        ("dapr.topic", "todo events", "at '/dapr/topic': 'todo events' does not match pattern"),
        (
            "networkPolicy.ingressNamspace",
            "edge",
            "at '/networkPolicy': additional properties 'ingressNamspace' not allowed",
        ),
        ("replicaCount", 2, "at '': additional properties 'replicaCount' not allowed"),
    ],
)
def test_wrong_values_are_refused_with_their_place(path: str, value: Any, sentence: str) -> None:
    with pytest.raises(helm.HelmError) as refused:
        helm.template("oke", nested(path, value))
    assert sentence in str(refused.value)


def test_the_message_has_nothing_but_the_mistake() -> None:
    with pytest.raises(helm.HelmError) as refused:
        helm.template("oke", {"frontend": {"image": None}})
    (mistake,) = re.findall(r"^- (.*)$", str(refused.value), re.MULTILINE)
    assert mistake == "at '/frontend': missing property 'image'"


DEFAULTS: helm.Manifest = yaml.safe_load((helm.CHART / "values.yaml").read_text())
OTHERS = {
    "backend.env": {"COHERE_MODEL": "command-a"},
    "backend.secretChecksums": {"app-secrets": "5a"},
    "dapr.checksum": "5a",
    "dapr.logLevel": "debug",
    "imagePullSecrets": ["ghcr"],
    "ingress.annotations": {"example.org/a": "b"},
    "networkPolicy.apiServer.cidr": "10.0.0.0/28",
    "networkPolicy.extraEgress": [{"to": [{"ipBlock": {"cidr": "10.9.0.4/32"}}], "ports": [{"port": 4317}]}],
    "networkPolicy.kafkaPorts": [9093],
    "networkPolicy.privateCidrs": ["10.0.0.0/8"],
    "topologyKeys": ["topology.kubernetes.io/zone"],
}


def settings(values: helm.Values, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from settings(cast("helm.Values", value), f"{prefix}{key}.")
        else:
            yield prefix + key, value


def another(path: str, value: Any) -> Any:
    """A different value that the schema accepts in the same place."""
    match value:
        case bool():
            return not value
        case int():
            return value + 5
        case str() if re.fullmatch(r"[0-9]+(m|Mi)?", value):
            return f"7{value}"
        case _:
            return OTHERS.get(path, "other")


@pytest.mark.parametrize(("path", "value"), list(settings(DEFAULTS)))
def test_every_value_has_an_effect(path: str, value: Any) -> None:
    change = nested(path, another(path, value))
    bases: tuple[helm.Values, ...] = ({}, helm.EVERY_OPTION)
    assert any(helm.template("local", base) != helm.template("local", base, change) for base in bases)


def scalars(node: Any) -> Iterator[Any]:
    match node:
        case dict():
            for value in cast("helm.Manifest", node).values():
                yield from scalars(value)
        case list():
            for item in cast("list[Any]", node):
                yield from scalars(item)
        case _:
            yield node


def test_names_that_look_like_numbers_stay_text() -> None:
    # YAML reads 12:30 as 750, in base 60.
    names = [f"10{number}" for number in range(9)]
    release = helm.template(
        "oke",
        helm.EVERY_OPTION,
        {
            "frontend": {"image": "12:30"},
            "backend": {"image": "12:31"},
            "secrets": {"app": names[0], "kafka": names[1]},
            "imagePullSecrets": [names[2]],
            "dapr": {"appId": names[3], "config": names[4]},
            "ingress": {"className": names[5], "host": names[6], "tls": {"secretName": names[7]}},
            "networkPolicy": {"ingressNamespace": names[8], "daprNamespace": names[8]},
        },
    )
    found = {value for manifest in release.manifests for value in scalars(manifest)}
    assert {*names, "12:30", "12:31"} <= found
    assert not {750, 751, *(int(name) for name in names)} & found
