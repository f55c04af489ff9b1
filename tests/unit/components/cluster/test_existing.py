"""Which cluster it is: asked of a stand-in API server."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml

from components.cluster.existing import (
    ClusterIdentity,
    ExistingCluster,
    ExistingClusterArgs,
    identify,
)
from components.cluster.namespace import OWNER_LABEL
from kube import kubeconfig
from kube.kubeconfig import Kubeconfig
from tests.support import example
from tests.support.api_server import ApiServer
from tests.support.engine import Engine, Secret

NAMESPACES = "/api/v1/namespaces"
KUBECTL = "kubectl --kubeconfig <(pulumi config get kubeconfig) --context example"


def namespace(name: str, *, owner: str | None = None) -> dict[str, Any]:
    labels = {"kubernetes.io/metadata.name": name} | ({OWNER_LABEL: owner} if owner else {})
    return {"metadata": {"name": name, "uid": f"uid-of-{name}", "labels": labels}}


def reading(server: str, *, user: Mapping[str, Any] | None = None, **cluster: str) -> Kubeconfig:
    return kubeconfig.read(yaml.safe_dump(example.kubeconfig(server, user=user, cluster=cluster)), "")


def test_a_cluster_is_known_by_the_uid_of_kube_system(api_server: ApiServer) -> None:
    api_server.has_list(NAMESPACES, namespace("default"), namespace("kube-system"))

    identity = identify(reading(api_server.url), named="", stack="test")

    assert identity.uid == "uid-of-kube-system"
    assert [request.authorization for request in api_server.requests] == ["Bearer canary-token"]


def test_a_stack_declares_the_namespaces_that_are_missing_or_its_own(api_server: ApiServer) -> None:
    api_server.has_list(
        NAMESPACES,
        namespace("kube-system"),
        namespace("default"),
        namespace("mine", owner="test"),
        namespace("theirs", owner="oke"),
    )

    identity = identify(reading(api_server.url), named="", stack="test")

    assert {name: identity.owner_of(name) for name in ("default", "mine", "theirs", "missing")} == {
        "default": None,
        "mine": "test",
        "theirs": None,
        "missing": "test",
    }


def test_a_named_cluster_may_hide_its_namespaces_which_are_then_left_alone(api_server: ApiServer) -> None:
    api_server.refuses(NAMESPACES, HTTPStatus.FORBIDDEN, "namespaces is forbidden")

    identity = identify(reading(api_server.url), named="production", stack="test")

    assert identity == ClusterIdentity("production", "test", namespaces=None)
    assert identity.owner_of("missing") is None


def test_a_named_cluster_that_shows_its_namespaces_keeps_those_of_the_stack(api_server: ApiServer) -> None:
    api_server.has_list(NAMESPACES, namespace("kube-system"), namespace("mine", owner="test"), namespace("theirs"))

    identity = identify(reading(api_server.url), named="production", stack="test")

    assert identity.uid == "production"
    assert [identity.owner_of(name) for name in ("mine", "theirs", "missing")] == ["test", None, "test"]


def test_a_namespace_of_another_stack_may_be_this_ones_by_its_former_name(engine: Engine) -> None:
    kubeconfig = reading("https://127.0.0.1:1")
    identity = ClusterIdentity("uid", "renamed", {"todo": "test", "mine": "renamed", "theirs": None})

    def program() -> None:
        cluster = ExistingCluster("cluster", ExistingClusterArgs(kubeconfig, identity))
        assert [cluster.owner_of(name) for name in ("todo", "mine", "theirs")] == [None, "renamed", None]

    engine.deploy(program)

    assert [entry.message for entry in engine.log] == [
        "Namespace todo belongs to stack test; this stack only uses it. "
        "If this stack was renamed from test, take it over:\n"
        f"hint: {KUBECTL} label namespace todo {OWNER_LABEL}=renamed --overwrite"
    ]


def deploy(engine: Engine, source: str) -> None:
    identity = ClusterIdentity("uid-of-kube-system", "test", namespaces=None)
    args = ExistingClusterArgs(kubeconfig.read(source, ""), identity)
    engine.deploy(lambda: ExistingCluster("cluster", args))


def test_the_provider_reaches_the_cluster_by_the_path_that_the_user_gave(
    engine: Engine, config: Mapping[str, str]
) -> None:
    deploy(engine, config["kubeconfig"])

    provider = engine.find("pulumi:providers:kubernetes")
    assert (provider.name, provider.parent) == ("cluster", "cluster")
    assert provider.inputs == {
        "kubeconfig": "kubeconfig",
        "context": "example",
        "clusterIdentifier": "uid-of-kube-system",
        "enableSecretMutable": "true",
    }


def test_the_content_of_a_kubeconfig_is_a_secret_of_the_provider(engine: Engine) -> None:
    content = yaml.safe_dump(example.kubeconfig())

    deploy(engine, content)

    assert engine.find("pulumi:providers:kubernetes").inputs["kubeconfig"] == Secret(content)
    assert example.CANARY not in repr(engine.resources)


def test_another_kubeconfig_is_the_same_cluster(config: Mapping[str, str]) -> None:
    Path("renewed").write_text(yaml.safe_dump(example.kubeconfig("https://new.example.com", user={"token": "new"})))
    engines = Engine(), Engine()

    for engine, source in zip(engines, (config["kubeconfig"], "renewed"), strict=True):
        deploy(engine, source)

    before, after = (engine.find("pulumi:providers:kubernetes").inputs for engine in engines)
    assert before["clusterIdentifier"] == after["clusterIdentifier"]
