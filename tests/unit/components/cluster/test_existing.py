from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cluster.existing import ClusterIdentity, ExistingCluster, ExistingClusterArgs, identify
from components.cluster.namespace import OWNER_LABEL
from kube import kubeconfig
from kube.errors import ClusterError
from kube.kubeconfig import Kubeconfig
from tests.support import example
from tests.support.api_server import ApiServer
from tests.support.engine import Engine, Secret

NAMESPACES = "/api/v1/namespaces"
PROVIDER = "pulumi:providers:kubernetes"


def namespace(name: str, *, owner: str | None = None) -> dict[str, Any]:
    labels = {"kubernetes.io/metadata.name": name} | ({OWNER_LABEL: owner} if owner else {})
    return {"metadata": {"name": name, "uid": f"uid-of-{name}", "labels": labels}}


def reading(server: str) -> Kubeconfig:
    return kubeconfig.read(yaml.safe_dump(example.kubeconfig(server)))


@pytest.mark.parametrize(("named", "uid"), [(None, "uid-of-kube-system"), ("production", "production")])
def test_missing_and_own_namespaces_are_declared(api_server: ApiServer, named: str | None, uid: str) -> None:
    api_server.has_list(
        NAMESPACES,
        *(namespace("kube-system"), namespace("default")),
        *(namespace("own", owner="test"), namespace("other", owner="oke")),
    )

    identity = identify(reading(api_server.url), named=named, stack="test")

    assert identity.uid == uid
    assert {name for name in ("default", "own", "other", "missing") if identity.owner_of(name)} == {"own", "missing"}
    assert identity.owner_of("own") == "test"
    assert [request.authorization for request in api_server.requests] == ["Bearer canary-token"]


def test_only_a_named_cluster_may_hide_its_namespaces(api_server: ApiServer) -> None:
    api_server.refuses(NAMESPACES, HTTPStatus.FORBIDDEN, "namespaces is forbidden")

    identity = identify(reading(api_server.url), named="production", stack="test")

    assert identity == ClusterIdentity("production", "test", namespaces=None)
    assert identity.owner_of("missing") is None
    with pytest.raises(ClusterError, match="namespaces is forbidden; set clusterIdentifier"):
        identify(reading(api_server.url), named=None, stack="test")


def test_server_without_kube_system_is_not_a_cluster(api_server: ApiServer) -> None:
    api_server.has_list(NAMESPACES, namespace("default"))

    with pytest.raises(ClusterError):
        identify(reading(api_server.url), named=None, stack="test")


def test_a_namespace_of_another_stack_is_reported(engine: Engine) -> None:
    config = reading("https://127.0.0.1:1")
    identity = ClusterIdentity("uid", "renamed", {"todo": "test", "own": "renamed", "foreign": None})

    def program() -> None:
        cluster = ExistingCluster("cluster", ExistingClusterArgs(config, identity))
        assert [cluster.owner_of(name) for name in ("todo", "own", "foreign")] == [None, "renamed", None]

    engine.deploy(program)

    (warning,) = engine.log
    message, _, hint = warning.message.partition("hint: ")
    assert "Namespace todo belongs to stack test" in message
    assert hint == f"{config.kubectl} label namespace todo {OWNER_LABEL}=renamed --overwrite"


def provider(source: str) -> Engine:
    engine = Engine()
    identity = ClusterIdentity("uid-of-kube-system", "test", namespaces=None)
    engine.deploy(lambda: ExistingCluster("cluster", ExistingClusterArgs(kubeconfig.read(source), identity)))
    return engine


def test_a_kubeconfig_in_a_file_stays_a_path(config: Mapping[str, str]) -> None:
    inputs = provider(config["kubeconfig"]).find(PROVIDER).inputs

    assert (inputs["kubeconfig"], inputs["context"]) == ("kubeconfig", "example")


def test_the_content_of_a_kubeconfig_is_secret() -> None:
    content = yaml.safe_dump(example.kubeconfig())

    engine = provider(content)

    assert engine.find(PROVIDER).inputs["kubeconfig"] == Secret(content)
    assert example.CANARY not in repr(engine.resources)


def test_a_new_kubeconfig_of_the_same_cluster_replaces_nothing(config: Mapping[str, str]) -> None:
    Path("renewed").write_text(yaml.safe_dump(example.kubeconfig("https://new.example.com", user={"token": "new"})))

    before, after = (provider(source).find(PROVIDER).inputs for source in (config["kubeconfig"], "renewed"))

    assert before["clusterIdentifier"] == after["clusterIdentifier"] == "uid-of-kube-system"
    assert after["enableSecretMutable"] == "true"  # otherwise a rotated secret is deleted first
