"""The format of each setting: wrong values, and values at the edge of right."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings.model import SECRET_KEYS, Mistake, Settings, SettingsError, parse
from tests.support import example

DIGEST = f"sha256:{'5e' * 32}"

# The files that the wrong values below name.
FILES: Mapping[str, str] = {
    "broken.yaml": "backend:\n  replicas: [2\n",
    "list.yaml": "- backend\n",
    "empty.yaml": "",
    "misfit.yaml": "databse: {}\nbackend:\n  replicas: two\n",
    "no-current.yaml": yaml.safe_dump({**example.kubeconfig(), "current-context": ""}),
    "no-contexts.yaml": yaml.safe_dump({**example.kubeconfig(), "contexts": []}),
    "no-server.yaml": yaml.safe_dump(example.kubeconfig(server="")),
    "no-user.yaml": yaml.safe_dump({**example.kubeconfig(), "users": []}),
    "chart/values.yaml": "",
}

BOOLEANS = (
    "protect",
    "kafkaTls",
    "daprScheduler",
    "retainOnDelete",
    "ingressController",
    "signImages",
    "requireChecks",
)
CHARTS = ("ingressChart", "certManagerChart", "daprChart")
VERSIONS = ("ingressVersion", "certManagerVersion", "daprVersion")
SECRETS = ("registryToken", "cohereApiKey", "kafkaUsername", "kafkaPassword")
KUBECONFIGS = ["broken.yaml", "list.yaml", "empty.yaml", "no-contexts.yaml", "no-current.yaml", "no-server.yaml"]
WRONG: Mapping[str, Sequence[str]] = {
    "kubeconfig": ["missing.yaml", "~nobody-of-this-name/config", "chart", *KUBECONFIGS, "no-user.yaml"],
    "namespace": ["Todo", "todo_app", "-todo", "todo.app", "a" * 64],
    "daprNamespace": ["dapr system", example.CONFIG["namespace"]],
    **dict.fromkeys((*BOOLEANS, "requireChecks"), ("yes", "True", "0")),
    **dict.fromkeys(CHARTS, ("chart",)),
    **dict.fromkeys(VERSIONS, ("v1.15.4", "1.15", "latest")),
    **dict.fromkeys(SECRETS, ("canary-key\n", " canary-key", "canary\u200bkey")),
    "frontendImage": ["ghcr.io/example/web", "ghcr.io/example/web:latest", "ghcr.io/Example/web:1", "web:1"],
    "backendImage": ["a.io/b/api:", "a.io/b/api@sha256:5e5e", "https://a.io/b/api:1", "-.example/web:1"],
    "valuesFile": ["missing.yaml", "broken.yaml", "chart", "list.yaml", "empty.yaml", "misfit.yaml"],
    "releaseTimeoutSeconds": ["29", "3601", "5m", "-1", "300.5"],
    "verifyTimeoutSeconds": ["9", "3601"],
    "nodeCount": ["0", "11", "none"],
    "nodeOcpus": ["0", "2.5"],
    "nodeMemoryGb": ["12GB", "513"],
    "nodeBootVolumeGb": ["49"],
    "tracingSamplingRate": ["1.5", "-0.1", "10%", "nan"],
    "host": ["https://a.com", "a.com:443", "A.com", "todo." * 50 + "todo", "todo..a.com", "*.a.com"],
    "clusterOcid": ["ocid1.vcn.oc1.eu-frankfurt-1.a"],
    "compartmentOcid": ["ocid1.cluster.oc1..a"],
    "region": ["Frankfurt"],
    "clusterName": ["todo oke", "a" * 51],
    "kubernetesVersion": ["1.34"],
    "apiAllowedCidrs": ["203.0.113.7, any", "203.0.113.7/24"],
    "letsEncryptEmail": ["example.com"],
    "imageSource": ["docker"],
    "imageRegistry": ["ghcr.io", "ghcr.io/Example"],
    "imagePlatforms": ["linux/arm64,linux/arm"],
    "imageCache": ["local"],
    "imageScan": ["HIGH,critical"],
    "repository": ["todo-oke"],
    "reviewers": ["@example", "example,"],
    "betterAuthSecret": ["canary-0123456789abcdef01234567"],
    "databaseUrl": [
        "mysql://todo:canary@db.example.com/todo",
        "postgresql://db.example.com/canary",
        "postgresql://todo:canary@db.example.com",
        "postgresql://todo:canary@db.example.com:port/todo",
        "postgresql://todo:canary@/todo",
        "postgresql://todo:canary@db.example.com/todo\n",
    ],
    "kafkaBrokers": ["broker", "a:9092,,b:9092", "a:65536", "a:0", "kafka://broker:9092"],
    "kafkaSaslMechanism": ["SCRAM", "plain"],
    "kafkaTopic": ["..", "t" * 245, "todo events"],
    "kafkaConsumerGroup": ["a" * 250],
    "tracingEndpoint": ["collector", "http://collector:4317", "collector:65536", "collector:\uff14317"],
}

# A setting, a value at the edge of what is right, and what the components get.
RIGHT: list[tuple[str, str, Any]] = [
    ("namespace", "0-" + "a" * 61, "0-" + "a" * 61),
    ("protect", "false", False),
    ("frontendImage", f"ghcr.io/example/web@{DIGEST}", f"ghcr.io/example/web@{DIGEST}"),
    ("backendImage", f"localhost:5000/a/b__c:latest@{DIGEST}", f"localhost:5000/a/b__c:latest@{DIGEST}"),
    ("releaseTimeoutSeconds", "30", 30),
    ("releaseTimeoutSeconds", "3600", 3600),
    ("clusterName", "A" + "-9" * 24, "A" + "-9" * 24),
    ("apiAllowedCidrs", "203.0.113.7, 198.51.100.0/24", ("203.0.113.7/32", "198.51.100.0/24")),
    ("imagePlatforms", "linux/arm64, linux/amd64", ("linux/arm64", "linux/amd64")),
    ("imageScan", "HIGH,CRITICAL", ("HIGH", "CRITICAL")),
    ("repository", "Example-1/todo.oke_2", "Example-1/todo.oke_2"),
    ("reviewers", "a, B-9", ("a", "B-9")),
    ("kafkaBrokers", "a:1, b.example.com:65535", ("a:1", "b.example.com:65535")),
    ("kafkaTopic", "Todo_events.v1", "Todo_events.v1"),
    ("kafkaConsumerGroup", "a" * 244, "a" * 244),
    ("tracingEndpoint", "collector.tracing:65535", "collector.tracing:65535"),
    ("tracingSamplingRate", "0", 0.0),
]


@pytest.fixture
def config(config: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    return config


def parsed(config: Mapping[str, str], **changes: str) -> Settings:
    return parse({**config, **changes}, SECRET_KEYS, "oke")


def mistake(config: Mapping[str, str], key: str, secret_settings: frozenset[str] = SECRET_KEYS) -> Mistake:
    """The only mistake of a config, which is of one key."""
    with pytest.raises(SettingsError) as error:
        parse(config, secret_settings, "oke")
    assert error.value.mistakes.keys() == {key}
    return error.value.mistakes[key]


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_wrong_value_is_reported_with_a_hint_that_repairs_it(config: Mapping[str, str], key: str, value: str) -> None:
    (Path.home() / ".kube").mkdir()
    Path("kubeconfig").rename(Path.home() / ".kube/config")
    config = {**config, "kubeconfig": "~/.kube/config"}

    pulumi_config, hint = mistake({**config, key: value}, key).hint.split(" --stack oke ")

    assert pulumi_config == "pulumi config"
    if key in SECRET_KEYS:
        assert hint == f"set --secret {key}"
    else:
        assert hint == f"rm {key}" or hint.startswith(f"set {key} ")
        repaired = "" if hint.startswith("rm ") else hint.split()[-1].replace("OWNER", "example")
        assert parsed(config, **{key: repaired})


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("releaseTimeoutSeconds", "5m", "between 30 and 3600"),
        ("kafkaBrokers", "a:9092,redpanda", "'redpanda'"),
        ("imageCache", "local", "'registry', 'gha' or 'off'"),
        ("kubeconfig", "no-current.yaml", "example"),
        ("valuesFile", "broken.yaml", "line 3"),
        ("valuesFile", "misfit.yaml", "backend.replicas"),
        ("frontendImage", "ghcr.io/example/web:latest", "latest"),
    ],
)
def test_reason_names_what_would_be_right(config: Mapping[str, str], key: str, value: str, reason: str) -> None:
    assert reason in mistake({**config, key: value}, key).clause


@pytest.mark.parametrize(("key", "value", "expected"), RIGHT, ids=[key for key, _, _ in RIGHT])
def test_value_at_the_edge_is_accepted(config: Mapping[str, str], key: str, value: str, expected: object) -> None:
    assert parsed(config, **{key: value}).model_dump(by_alias=True)[key] == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("betterAuthSecret", "canary-0123456789abcdef012345678"),
        ("databaseUrl", "postgres://u:p%40@localhost:5432/todo?sslmode=require"),
        ("kafkaPassword", "two words"),
    ],
)
def test_secret_is_passed_on_unchanged(config: Mapping[str, str], key: str, value: str) -> None:
    assert parsed(config, **{key: value}).model_dump(by_alias=True)[key].get_secret_value() == value


def test_folder_with_a_chart_is_a_chart_source(config: Mapping[str, str]) -> None:
    Path("chart/Chart.yaml").touch()

    assert parsed(config, daprChart="chart").dapr_chart == "chart"


def test_kubeconfig_is_a_path_or_encrypted_content(config: Mapping[str, str]) -> None:
    content, encrypted = json.dumps(example.kubeconfig()), SECRET_KEYS | {"kubeconfig"}
    encoded = base64.b64encode(content.encode()).decode()

    read = parse({**config, "kubeconfig": content}, encrypted, "oke").kubeconfig

    assert read
    assert (read.server, read.is_path) == ("https://cluster.example.com:6443", False)
    assert "plain text" in mistake({**config, "kubeconfig": content}, "kubeconfig").clause
    assert encoded not in mistake({**config, "kubeconfig": encoded}, "kubeconfig", encrypted).clause


def test_context_is_one_of_the_kubeconfigs(config: Mapping[str, str]) -> None:
    document = example.kubeconfig()
    document["contexts"].append({"name": "other", "context": {"cluster": "cluster", "user": "user"}})
    Path("kubeconfig").write_text(yaml.safe_dump(document))

    read = parsed(config, context="other").kubeconfig

    assert read
    assert read.context == "other"
    assert "nobody" in mistake({**config, "context": "nobody"}, "kubeconfig").clause
