"""Each setting's format: what a wrong value is answered with, word for word, and values at the edge of right."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings.model import KEYS, SECRET_KEYS, SettingsError, parse
from tests.support import example

DIGEST = f"sha256:{'5e' * 32}"
NO_IMAGE = "is not an image reference (registry/repository:tag or …@sha256:digest)"
NO_NAMESPACE = "is not a namespace's name (lower-case letters, digits and dashes)"
NO_KAFKA_NAME = "is not a Kafka name (letters, digits, . _ -)"
NO_URL = "is not a PostgreSQL URL (postgresql://user:password@host/database)"
NOT_TRIMMED = "has white space at an end or an unprintable character, as a bad copy has"
NO_SECONDS = "is not a whole number of seconds from 30 to 3600"

# The files that the wrong settings below name.
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

# A setting, its wrong value, and what is wrong with it.
WRONG: list[tuple[str, str, str]] = [
    ("kubeconfig", "missing.yaml", "leads to no cluster: there is no file missing.yaml"),
    ("kubeconfig", "~/missing.yaml", "leads to no cluster: there is no file ~/missing.yaml"),
    ("kubeconfig", "~nobody-of-this-name/config", "leads to no cluster: there is no file ~nobody-of-this-name/config"),
    ("kubeconfig", "chart", "leads to no cluster: the file chart cannot be read (Is a directory)"),
    ("kubeconfig", "broken.yaml", "leads to no cluster: it is not YAML"),
    ("kubeconfig", "list.yaml", "leads to no cluster: it names no clusters or no contexts"),
    ("kubeconfig", "empty.yaml", "leads to no cluster: it names no clusters or no contexts"),
    ("kubeconfig", "no-contexts.yaml", "leads to no cluster: it names no clusters or no contexts"),
    ("kubeconfig", "no-current.yaml", "leads to no cluster: none of its contexts (example) is current"),
    ("kubeconfig", "no-server.yaml", "leads to no cluster: its context 'example' lacks a cluster or a user"),
    ("kubeconfig", "no-user.yaml", "leads to no cluster: its context 'example' lacks a cluster or a user"),
    ("kubeconfig", "clusters:\n- name: a\n", "holds credentials in plain text: encrypt it, or name a file"),
    ("kubeconfig", '{"clusters": []}', "holds credentials in plain text: encrypt it, or name a file"),
    ("namespace", "Todo", f"{NO_NAMESPACE}: 'Todo'"),
    ("namespace", "todo_app", f"{NO_NAMESPACE}: 'todo_app'"),
    ("namespace", "-todo", f"{NO_NAMESPACE}: '-todo'"),
    ("namespace", "todo.app", f"{NO_NAMESPACE}: 'todo.app'"),
    ("namespace", "a" * 64, f"{NO_NAMESPACE}: '{'a' * 64}'"),
    ("daprNamespace", "dapr system", f"{NO_NAMESPACE}: 'dapr system'"),
    ("daprNamespace", "default", "is the app's namespace too: 'default'"),
    ("protect", "yes", "is neither true nor false: 'yes'"),
    ("kafkaTls", "True", "is neither true nor false: 'True'"),
    ("daprScheduler", "0", "is neither true nor false: '0'"),
    ("frontendImage", "ghcr.io/example/web", "names neither a tag nor a digest: 'ghcr.io/example/web'"),
    ("frontendImage", "ghcr.io/example/web:latest", "is tagged latest, which is another image after each build"),
    ("frontendImage", "ghcr.io/Example/web:1", f"{NO_IMAGE}: 'ghcr.io/Example/web:1'"),
    ("frontendImage", "-.example/web:1", f"{NO_IMAGE}: '-.example/web:1'"),
    ("frontendImage", "web:1", f"{NO_IMAGE}: 'web:1'"),
    ("backendImage", "ghcr.io/example/api:", f"{NO_IMAGE}: 'ghcr.io/example/api:'"),
    ("backendImage", "ghcr.io/example/api@sha256:5e5e", f"{NO_IMAGE}: 'ghcr.io/example/api@sha256:5e5e'"),
    ("backendImage", "https://ghcr.io/example/api:1", f"{NO_IMAGE}: 'https://ghcr.io/example/api:1'"),
    ("valuesFile", "missing.yaml", "names a file that does not exist: missing.yaml"),
    ("valuesFile", "broken.yaml", "names a file that is not YAML: broken.yaml, line 3"),
    ("valuesFile", "chart", "names a file that is not YAML: chart"),
    ("valuesFile", "list.yaml", "names a file that is not a map of chart values: list.yaml"),
    ("valuesFile", "empty.yaml", "names a file that is not a map of chart values: empty.yaml"),
    (
        "valuesFile",
        "misfit.yaml",
        "names values that do not fit the chart: misfit.yaml: "
        "backend.replicas: 'two' is not of type 'integer'; "
        "the values: Additional properties are not allowed ('databse' was unexpected)",
    ),
    ("releaseTimeoutSeconds", "29", f"{NO_SECONDS}: '29'"),
    ("releaseTimeoutSeconds", "3601", f"{NO_SECONDS}: '3601'"),
    ("releaseTimeoutSeconds", "5m", f"{NO_SECONDS}: '5m'"),
    ("releaseTimeoutSeconds", "-1", f"{NO_SECONDS}: '-1'"),
    ("releaseTimeoutSeconds", "300.5", f"{NO_SECONDS}: '300.5'"),
    ("releaseTimeoutSeconds", " 300", f"{NO_SECONDS}: ' 300'"),
    ("verifyTimeoutSeconds", "9", "is not a whole number of seconds from 10 to 3600: '9'"),
    ("verifyTimeoutSeconds", "3601", "is not a whole number of seconds from 10 to 3600: '3601'"),
    ("host", "https://todo.example.com", "is not a host name: 'https://todo.example.com'"),
    ("host", "todo.example.com:443", "is not a host name: 'todo.example.com:443'"),
    ("host", "Todo.example.com", "is not a host name: 'Todo.example.com'"),
    ("host", "todo." * 50 + "todo", f"is not a host name: '{'todo.' * 50}todo'"),
    ("host", "todo..example.com", "is not a host name: 'todo..example.com'"),
    ("clusterOcid", "ocid1.vcn.oc1.eu-frankfurt-1.a", "is not a cluster's OCID: 'ocid1.vcn.oc1.eu-frankfurt-1.a'"),
    (
        "compartmentOcid",
        "ocid1.cluster.oc1..a",
        "is not the OCID of a compartment or a tenancy: 'ocid1.cluster.oc1..a'",
    ),
    ("region", "Frankfurt", "is not an OCI region such as eu-frankfurt-1: 'Frankfurt'"),
    ("clusterName", "todo oke", "is not a cluster's name (50 letters, digits and dashes): 'todo oke'"),
    ("kubernetesVersion", "1.34", "is not a version of Kubernetes such as v1.34.1: '1.34'"),
    ("nodeCount", "0", "is not a whole number of nodes from 1 to 10: '0'"),
    ("nodeOcpus", "2.5", "is not a whole number of OCPUs from 1 to 80: '2.5'"),
    ("nodeMemoryGb", "12GB", "is not a whole number of GB from 1 to 512: '12GB'"),
    ("nodeBootVolumeGb", "49", "is not a whole number of GB from 50 to 32768: '49'"),
    ("apiAllowedCidrs", "203.0.113.7, any", "is not an IPv4 block such as 203.0.113.0/24: 'any'"),
    ("apiAllowedCidrs", "203.0.113.7/24", "is not an IPv4 block such as 203.0.113.0/24: '203.0.113.7/24'"),
    ("retainOnDelete", "no", "is neither true nor false: 'no'"),
    ("ingressController", "traefik", "is neither true nor false: 'traefik'"),
    ("ingressChart", "chart", "is neither 'official' nor a folder with a Chart.yaml: 'chart'"),
    ("ingressVersion", "v41", "is not a version such as 1.15.4: 'v41'"),
    ("letsEncryptEmail", "example.com", "is not an e-mail address: 'example.com'"),
    ("certManagerChart", "chart", "is neither 'official' nor a folder with a Chart.yaml: 'chart'"),
    ("certManagerVersion", "latest", "is not a version such as 1.15.4: 'latest'"),
    ("imageSource", "docker", "is none of build, registry, pinned: 'docker'"),
    ("imageRegistry", "ghcr.io", "is not a registry with a path, in lower case: 'ghcr.io'"),
    ("imageRegistry", "ghcr.io/Example", "is not a registry with a path, in lower case: 'ghcr.io/Example'"),
    (
        "imagePlatforms",
        "linux/arm64,linux/arm",
        "has a platform other than linux/arm64 and linux/amd64: 'linux/arm'",
    ),
    ("imageCache", "local", "is none of registry, gha, off: 'local'"),
    ("imageScan", "HIGH,critical", "has a severity other than LOW, MEDIUM, HIGH, CRITICAL, UNKNOWN: 'critical'"),
    ("signImages", "True", "is neither true nor false: 'True'"),
    ("registryToken", " canary", NOT_TRIMMED),
    ("repository", "todo-oke", "is not a GitHub repository as OWNER/NAME: 'todo-oke'"),
    ("reviewers", "@example", "has what is not a GitHub login: '@example'"),
    ("requireChecks", "1", "is neither true nor false: '1'"),
    ("cohereApiKey", "canary-key\n", NOT_TRIMMED),
    ("kafkaUsername", " canary-user", NOT_TRIMMED),
    ("kafkaPassword", "canary\u200bpassword", NOT_TRIMMED),
    ("betterAuthSecret", "canary-0123456789abcdef01234567", "has fewer than 32 characters, which can be guessed"),
    ("databaseUrl", "mysql://todo:canary@db.example.com/todo", NO_URL),
    ("databaseUrl", "postgresql://db.example.com/canary", NO_URL),
    ("databaseUrl", "postgresql://todo:canary@db.example.com", NO_URL),
    ("databaseUrl", "postgresql://todo:canary@db.example.com:port/todo", NO_URL),
    ("databaseUrl", "postgresql://todo:canary@/todo", NO_URL),
    ("databaseUrl", "postgresql://todo:canary@db.example.com/todo\n", NOT_TRIMMED),
    ("kafkaBrokers", "broker.example.com", "has a broker that is not host:port: 'broker.example.com'"),
    ("kafkaBrokers", "a.example.com:9092,,b.example.com:9092", "has a broker that is not host:port: ''"),
    ("kafkaBrokers", "broker.example.com:65536", "has a broker that is not host:port: 'broker.example.com:65536'"),
    ("kafkaBrokers", "broker.example.com:0", "has a broker that is not host:port: 'broker.example.com:0'"),
    ("kafkaBrokers", "kafka://broker:9092", "has a broker that is not host:port: 'kafka://broker:9092'"),
    ("kafkaSaslMechanism", "SCRAM", "is none of SCRAM-SHA-256, SCRAM-SHA-512, PLAIN: 'SCRAM'"),
    ("kafkaSaslMechanism", "plain", "is none of SCRAM-SHA-256, SCRAM-SHA-512, PLAIN: 'plain'"),
    ("kafkaTopic", "..", f"{NO_KAFKA_NAME}: '..'"),
    ("kafkaTopic", "t" * 245, f"{NO_KAFKA_NAME}: '{'t' * 245}'"),
    ("kafkaTopic", "todo events", f"{NO_KAFKA_NAME}: 'todo events'"),
    ("kafkaConsumerGroup", "a" * 250, f"{NO_KAFKA_NAME}: '{'a' * 250}'"),
    ("daprChart", "chart", "is neither 'official' nor a folder with a Chart.yaml: 'chart'"),
    ("daprVersion", "v1.15.4", "is not a version such as 1.15.4: 'v1.15.4'"),
    ("daprVersion", "1.15", "is not a version such as 1.15.4: '1.15'"),
    ("tracingEndpoint", "collector", "is not host:port: 'collector'"),
    ("tracingEndpoint", "http://collector:4317", "is not host:port: 'http://collector:4317'"),
    ("tracingEndpoint", "collector:65536", "is not host:port: 'collector:65536'"),
    ("tracingEndpoint", "collector:\uff14317", "is not host:port: 'collector:\uff14317'"),
    ("tracingSamplingRate", "1.5", "is not a share from 0 to 1: '1.5'"),
    ("tracingSamplingRate", "-0.1", "is not a share from 0 to 1: '-0.1'"),
    ("tracingSamplingRate", "10%", "is not a share from 0 to 1: '10%'"),
]

MENDED_BY: Mapping[str, str] = {
    **{key: f"pulumi config set --secret {key}" for key in example.SECRETS},
    "kubeconfig": "pulumi config set kubeconfig ~/.kube/config",
    "namespace": "pulumi config set namespace default",
    "protect": "pulumi config set protect true",
    "frontendImage": "pulumi config set frontendImage ghcr.io/OWNER/todo-frontend:sha-1a2b3c4",
    "backendImage": "pulumi config set backendImage ghcr.io/OWNER/todo-backend:sha-1a2b3c4",
    "valuesFile": "pulumi config set valuesFile infra/helm/todo-app/values-oke.yaml",
    "releaseTimeoutSeconds": "pulumi config set releaseTimeoutSeconds 300",
    "verifyTimeoutSeconds": "pulumi config set verifyTimeoutSeconds 180",
    "host": "pulumi config set host todo.example.com",
    "clusterOcid": "pulumi config rm clusterOcid",
    "compartmentOcid": "pulumi config rm compartmentOcid",
    "region": "pulumi config set region eu-frankfurt-1",
    "clusterName": "pulumi config set clusterName todo-oke",
    "kubernetesVersion": "pulumi config rm kubernetesVersion",
    "nodeCount": "pulumi config set nodeCount 2",
    "nodeOcpus": "pulumi config set nodeOcpus 1",
    "nodeMemoryGb": "pulumi config set nodeMemoryGb 6",
    "nodeBootVolumeGb": "pulumi config set nodeBootVolumeGb 50",
    "apiAllowedCidrs": "pulumi config set apiAllowedCidrs 0.0.0.0/0",
    "retainOnDelete": "pulumi config set retainOnDelete false",
    "ingressController": "pulumi config set ingressController true",
    "ingressChart": "pulumi config set ingressChart official",
    "ingressVersion": "pulumi config set ingressVersion 41.6.0",
    "letsEncryptEmail": "pulumi config rm letsEncryptEmail",
    "certManagerChart": "pulumi config set certManagerChart official",
    "certManagerVersion": "pulumi config set certManagerVersion 1.21.2",
    "imageSource": "pulumi config set imageSource pinned",
    "imageRegistry": "pulumi config set imageRegistry ghcr.io/OWNER",
    "imagePlatforms": "pulumi config set imagePlatforms linux/arm64",
    "imageCache": "pulumi config set imageCache registry",
    "imageScan": "pulumi config rm imageScan",
    "signImages": "pulumi config set signImages false",
    "registryToken": "pulumi config set --secret registryToken",
    "repository": "pulumi config rm repository",
    "reviewers": "pulumi config rm reviewers",
    "requireChecks": "pulumi config set requireChecks false",
    "kafkaBrokers": "pulumi config set kafkaBrokers broker-0.example.com:9092,broker-1.example.com:9092",
    "kafkaSaslMechanism": "pulumi config set kafkaSaslMechanism SCRAM-SHA-256",
    "kafkaTls": "pulumi config set kafkaTls true",
    "kafkaTopic": "pulumi config set kafkaTopic todo-events",
    "kafkaConsumerGroup": "pulumi config set kafkaConsumerGroup todo-backend",
    "daprChart": "pulumi config set daprChart official",
    "daprVersion": "pulumi config set daprVersion 1.15.4",
    "daprNamespace": "pulumi config set daprNamespace dapr-system",
    "daprScheduler": "pulumi config set daprScheduler false",
    "tracingEndpoint": "pulumi config rm tracingEndpoint",
    "tracingSamplingRate": "pulumi config set tracingSamplingRate 0.1",
}

# A setting, a value at the edge of what is right, and what the components get.
RIGHT: list[tuple[str, str, Any]] = [
    ("namespace", "a", "a"),
    ("namespace", "0-" + "a" * 61, "0-" + "a" * 61),
    ("protect", "false", False),
    ("frontendImage", "ghcr.io/example/web:1", "ghcr.io/example/web:1"),
    ("frontendImage", f"ghcr.io/example/web@{DIGEST}", f"ghcr.io/example/web@{DIGEST}"),
    ("backendImage", f"localhost:5000/a/b__c:latest@{DIGEST}", f"localhost:5000/a/b__c:latest@{DIGEST}"),
    ("releaseTimeoutSeconds", "30", 30),
    ("releaseTimeoutSeconds", "3600", 3600),
    ("verifyTimeoutSeconds", "10", 10),
    ("verifyTimeoutSeconds", "3600", 3600),
    ("host", "localhost", "localhost"),
    ("clusterName", "A" + "-9" * 24, "A" + "-9" * 24),
    ("kubernetesVersion", "v1.34.1", "v1.34.1"),
    ("apiAllowedCidrs", "203.0.113.7, 198.51.100.0/24", ("203.0.113.7/32", "198.51.100.0/24")),
    ("imageRegistry", "localhost:5000/a/b", "localhost:5000/a/b"),
    ("imagePlatforms", "linux/arm64, linux/amd64", ("linux/arm64", "linux/amd64")),
    ("imageScan", "HIGH,CRITICAL", ("HIGH", "CRITICAL")),
    ("repository", "Example-1/todo.oke_2", "Example-1/todo.oke_2"),
    ("reviewers", "a, B-9", ("a", "B-9")),
    ("letsEncryptEmail", "", ""),
    ("kafkaBrokers", "a:1, b.example.com:65535", ("a:1", "b.example.com:65535")),
    ("kafkaSaslMechanism", "PLAIN", "PLAIN"),
    ("kafkaTopic", "Todo_events.v1", "Todo_events.v1"),
    ("kafkaConsumerGroup", "a" * 244, "a" * 244),
    ("daprVersion", "10.20.30", "10.20.30"),
    ("tracingEndpoint", "collector.tracing:65535", "collector.tracing:65535"),
    ("tracingSamplingRate", "0", 0.0),
    ("tracingSamplingRate", "1.0", 1.0),
    ("tracingSamplingRate", ".0001", 0.0001),
]


@pytest.fixture
def config(config: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    return config


@pytest.mark.parametrize(("key", "value", "mistake"), WRONG, ids=[key for key, _, _ in WRONG])
def test_a_wrong_value_is_named_with_the_command_that_mends_it(
    config: Mapping[str, str], key: str, value: str, mistake: str
) -> None:
    with pytest.raises(SettingsError) as error:
        parse({**config, key: value}, SECRET_KEYS)

    assert str(error.value) == f"1 setting to mend, nothing was changed:\n  {key} {mistake}\n    {MENDED_BY[key]}"


@pytest.mark.parametrize(("key", "value", "expected"), RIGHT, ids=[key for key, _, _ in RIGHT])
def test_a_value_at_the_edge_is_right(config: Mapping[str, str], key: str, value: str, expected: object) -> None:
    settings = parse({**config, key: value}, example.SECRETS)

    assert settings.model_dump(by_alias=True)[key] == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("betterAuthSecret", "canary-0123456789abcdef012345678"),
        ("databaseUrl", "postgres://u:p%40@localhost:5432/todo?sslmode=require"),
        ("kafkaPassword", "two words"),
    ],
)
def test_a_secret_is_handed_on_as_it_was_set(config: Mapping[str, str], key: str, value: str) -> None:
    settings = parse({**config, key: value}, example.SECRETS)

    assert settings.model_dump(by_alias=True)[key].get_secret_value() == value


def test_a_folder_with_a_chart_is_a_dapr_chart(config: Mapping[str, str]) -> None:
    Path("chart/Chart.yaml").touch()

    assert parse({**config, "daprChart": "chart"}, example.SECRETS).dapr_chart == "chart"


def test_a_kubeconfig_is_a_path_or_encrypted_content(config: Mapping[str, str]) -> None:
    path = parse(config, example.SECRETS).kubeconfig
    content = parse(
        {**config, "kubeconfig": json.dumps(example.kubeconfig())}, {*example.SECRETS, "kubeconfig"}
    ).kubeconfig

    assert path
    assert content
    assert (path.server, path.is_path) == ("https://cluster.example.com:6443", True)
    assert (content.server, content.is_path) == ("https://cluster.example.com:6443", False)


def test_the_context_is_a_setting(config: Mapping[str, str]) -> None:
    document = example.kubeconfig()
    document["contexts"].append({"name": "other", "context": {"cluster": "cluster", "user": "user"}})
    Path("kubeconfig").write_text(yaml.safe_dump(document))

    kubeconfig = parse({**config, "context": "other"}, example.SECRETS).kubeconfig

    assert kubeconfig
    assert kubeconfig.context == "other"


def test_a_context_that_the_kubeconfig_lacks_is_a_mistake(config: Mapping[str, str]) -> None:
    with pytest.raises(SettingsError) as error:
        parse({**config, "context": "other"}, example.SECRETS)

    assert str(error.value) == (
        "1 setting to mend, nothing was changed:\n"
        "  kubeconfig leads to no cluster: it has no context 'other', only example\n"
        "    pulumi config set kubeconfig ~/.kube/config"
    )


def test_a_kubeconfig_in_base64_is_not_repeated(config: Mapping[str, str]) -> None:
    encoded = base64.b64encode(json.dumps(example.kubeconfig()).encode()).decode()

    with pytest.raises(SettingsError) as error:
        parse({**config, "kubeconfig": encoded}, {*example.SECRETS, "kubeconfig"})

    assert encoded not in str(error.value)


@pytest.mark.parametrize("key", sorted(MENDED_BY.keys() - SECRET_KEYS))
def test_the_command_that_mends_a_mistake_is_right_itself(config: Mapping[str, str], key: str) -> None:
    (Path.home() / ".kube").mkdir()
    Path("kubeconfig").rename(Path.home() / ".kube/config")
    command = MENDED_BY[key].replace("OWNER", "example")
    value = "" if command.startswith("pulumi config rm ") else command.removeprefix(f"pulumi config set {key} ")

    parse({**config, "kubeconfig": "~/.kube/config", key: value}, SECRET_KEYS)


def test_every_format_has_a_wrong_example() -> None:
    free = {"context", "clusterIdentifier", "registryUser"}  # any text is right

    assert {key for key, _, _ in WRONG} == KEYS.keys() - free
    assert MENDED_BY.keys() == KEYS.keys() - free
    assert example.SECRETS.keys() == SECRET_KEYS - {"registryToken"}
