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


def test_the_chart_lints(environment: helm.Environment) -> None:
    helm.lint(environment)


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
def test_an_image_has_a_fixed_tag_or_a_digest(image: str) -> None:
    assert helm.template("oke", {"frontend": {"image": image}}).container("frontend")["image"] == image


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("backend.image", {"repository": "a/b", "tag": "1"}),
        ("backend.image", "ghcr.io/acme/todo-backend"),
        ("backend.image", "a/b:latest"),
        ("backend.image", "host:5000/b"),
        ("backend.image", "a/b@sha256:0f0f"),
        ("backend.image", "a/b:1\nprivileged: true"),
        ("frontend.replicas", -1),
        ("backend.resources.requests.cpu", "0.1 cores"),
        ("backend.autoscaling.enabled", "yes"),
        ("backend.autoscaling.targetCPUUtilizationPercentage", 101),
        ("backend.disruptionBudget.maxUnavailable", 0),
        ("backend.secretChecksums.app/secrets", "5a"),
        ("secrets.app", "App_Secrets"),
        ("topologyKeys", ["hostname"]),
        ("dapr.appId", "todo.backend"),
        ("dapr.logLevel", "verbose"),
        ("ingress.host", "https://todo.example.org"),
        ("networkPolicy.kafkaPorts", [70000]),
        ("networkPolicy.apiServer.cidr", "10.0.0.1"),
        ("networkPolicy.extraEgress", [{"ports": [{"port": 1}]}]),
        ("networkPolicy.ingressNamspace", "edge"),
        ("backend.env.DATABASE_URL", "a"),
        ("replicaCount", 2),
    ],
)
def test_a_wrong_value_is_one_error_that_names_its_place(path: str, value: Any) -> None:
    with pytest.raises(helm.HelmError) as refused:
        helm.template("oke", nested(path, value))

    (error,) = re.findall(r"^- (.*)$", str(refused.value), re.MULTILINE)
    *parents, last = path.split(".")
    assert error.startswith("at '" + "".join(f"/{parent}" for parent in parents))
    assert last in error


DEFAULTS: helm.Manifest = yaml.safe_load((helm.CHART / "values.yaml").read_text())
# Other values that the schema accepts.
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
    """Return a different value that the schema accepts in the same place."""
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


def test_names_that_look_like_numbers_stay_strings() -> None:
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
