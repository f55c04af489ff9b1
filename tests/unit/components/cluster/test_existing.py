"""Which cluster it is: asked of a stand-in API server."""

import functools
import json
import socket
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from lightkube import Client

from components.cluster.existing import (
    ClusterIdentity,
    ExistingCluster,
    ExistingClusterArgs,
    identify,
)
from components.cluster.namespace import OWNER_LABEL
from kube import kubeconfig
from kube.errors import ClusterError
from kube.kubeconfig import Kubeconfig
from tests.support import example
from tests.support.api_server import Answer, ApiServer
from tests.support.engine import Engine, Secret

NAMESPACES = "/api/v1/namespaces"
KUBECTL = "kubectl --kubeconfig <(pulumi config get kubeconfig) --context example"


def namespace(name: str, *, owner: str | None = None) -> dict[str, Any]:
    labels = {"kubernetes.io/metadata.name": name} | ({OWNER_LABEL: owner} if owner else {})
    return {"metadata": {"name": name, "uid": f"uid-of-{name}", "labels": labels}}


def reading(server: str, *, user: Mapping[str, Any] | None = None, **cluster: str) -> Kubeconfig:
    return kubeconfig.read(yaml.safe_dump(example.kubeconfig(server, user=user, cluster=cluster)), "")


def exec_plugin(*command: str) -> dict[str, Any]:
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": command[0],
            "args": list(command[1:]),
        }
    }


def refusal(cluster: Kubeconfig) -> str:
    """What the user reads instead of a traceback."""
    with pytest.raises(ClusterError) as error:
        identify(cluster, named="", stack="test")
    assert example.CANARY not in "".join(traceback.format_exception(error.value))
    return str(error.value)


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
    identity = ClusterIdentity("uid", "renamed", {"todo": "test", "mine": "renamed", "theirs": ""})

    def program() -> None:
        cluster = ExistingCluster("cluster", ExistingClusterArgs(kubeconfig, identity))
        assert [cluster.owner_of(name) for name in ("todo", "mine", "theirs")] == [None, "renamed", None]

    engine.deploy(program)

    assert [entry.message for entry in engine.log] == [
        "Namespace todo is of stack test, and only used here. Where that was this stack's name:\n"
        f"    {KUBECTL} label namespace todo {OWNER_LABEL}=renamed --overwrite"
    ]


def test_a_cluster_that_refuses_the_identity_is_told_with_the_ways_out(api_server: ApiServer) -> None:
    message = 'namespaces is forbidden: User "deployer" cannot list resource "namespaces"'
    api_server.refuses(NAMESPACES, HTTPStatus.FORBIDDEN, message)

    assert refusal(reading(api_server.url)) == (
        f"The cluster at {api_server.url} refuses context 'example': {message}\n"
        "    pulumi config set clusterIdentifier NAME   where that identity may not list namespaces, and only before "
        "the first update\n"
        "    pulumi config set context CONTEXT   for another identity"
    )


def test_credentials_that_are_out_of_date_are_told_as_that(api_server: ApiServer) -> None:
    api_server.refuses(NAMESPACES, HTTPStatus.UNAUTHORIZED, "Unauthorized")

    assert refusal(reading(api_server.url)) == (
        f"The cluster at {api_server.url} does not know who asks (context 'example'): Unauthorized\n"
        f"    {KUBECTL} auth whoami   shows the same error until the token or the certificate "
        "is renewed, or this machine's clock is right\n"
        "    pulumi config set context CONTEXT   for another identity"
    )


def test_a_cluster_that_is_overloaded_does_not_refuse_the_identity(api_server: ApiServer) -> None:
    api_server.refuses(NAMESPACES, HTTPStatus.TOO_MANY_REQUESTS, "too many requests, please try again later")

    assert refusal(reading(api_server.url)) == (
        f"The cluster at {api_server.url} has too much to do (context 'example'): "
        "too many requests, please try again later\n"
        "    pulumi up   in a minute or two"
    )


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (HTTPStatus.FORBIDDEN, 'admission webhook "policy.example.com" denied the request: sign your images'),
        (HTTPStatus.INTERNAL_SERVER_ERROR, 'Internal error occurred: failed calling webhook "policy.example.com"'),
    ],
)
def test_a_webhook_that_is_in_the_way_is_told_as_that(api_server: ApiServer, status: HTTPStatus, message: str) -> None:
    api_server.refuses(NAMESPACES, status, message)

    assert refusal(reading(api_server.url)) == (
        f"An admission webhook of the cluster at {api_server.url} is in the way (context 'example'): {message}\n"
        f"    {KUBECTL} get validatingwebhookconfigurations,mutatingwebhookconfigurations   lists them"
    )


def test_a_cluster_that_nobody_answers_for_is_told_with_a_way_to_see_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as freed:
        server = f"http://127.0.0.1:{freed.getsockname()[1]}"

    assert refusal(reading(server)) == (
        f"No cluster answers at {server} (context 'example'): [Errno 111] Connection refused\n"
        f"    {KUBECTL} get --raw /readyz   shows the same error until it is mended"
    )


def test_a_cluster_that_is_starting_does_not_refuse_the_identity(api_server: ApiServer) -> None:
    api_server.refuses(NAMESPACES, HTTPStatus.SERVICE_UNAVAILABLE, "etcd is not ready")

    assert refusal(reading(api_server.url)).startswith(
        f"No cluster answers at {api_server.url} (context 'example'): etcd is not ready\n"
    )


def test_a_cluster_that_hangs_is_given_up(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    api_server.answers[NAMESPACES] = Answer(None)
    monkeypatch.setattr(kubeconfig, "Client", functools.partial(Client, timeout=httpx2.Timeout(0.1)))

    assert refusal(reading(api_server.url)).startswith(
        f"No cluster answers at {api_server.url} (context 'example'): timed out\n"
    )


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"<html>Welcome to nginx!</html>", content_type="text/html"),
        Answer(b"<html>Bad Gateway</html>", HTTPStatus.BAD_GATEWAY, "text/html"),
        Answer(b"internal error", HTTPStatus.INTERNAL_SERVER_ERROR, None),
        Answer(b"", HTTPStatus.FOUND),
        Answer(b'{"hello": "world"}'),
        Answer(b"[]"),
        Answer(b'"forbidden"', HTTPStatus.FORBIDDEN),
        Answer(json.dumps({"metadata": {}, "items": [namespace("default")]}).encode()),
    ],
    ids=["page", "gateway", "no content type", "redirect", "object", "list", "text", "no kube-system"],
)
def test_a_server_that_is_no_kubernetes_is_told(api_server: ApiServer, answer: Answer) -> None:
    api_server.answers[NAMESPACES] = answer

    told = refusal(reading(api_server.url))

    assert api_server.url in told.splitlines()[0]
    assert "context 'example'" in told.splitlines()[0]


@pytest.mark.parametrize(
    ("user", "cluster"),
    [
        (exec_plugin("no-such-oci"), {}),
        (exec_plugin("sh", "-c", "echo not configured >&2; exit 1"), {}),
        (exec_plugin("echo", "canary"), {}),
        (exec_plugin("echo", "{}"), {}),
        ({"auth-provider": {"name": "gcp"}}, {}),
        ({"client-certificate-data": "AAAA"}, {}),
        ({"client-certificate-data": "canary!", "client-key-data": "canary!"}, {}),
        ({"client-certificate": "missing.crt", "client-key": "missing.key"}, {}),
        (None, {"certificate-authority": "missing.crt"}),
        (None, {"certificate-authority-data": "canary!"}),
    ],
    ids=[
        "no plug-in",
        "plug-in fails",
        "plug-in without JSON",
        "plug-in without token",
        "old plug-in",
        "no key",
        "broken certificate",
        "missing certificate",
        "missing authority",
        "broken authority",
    ],
)
def test_credentials_that_cannot_be_used_are_told(user: Mapping[str, Any] | None, cluster: Mapping[str, str]) -> None:
    server = "https://127.0.0.1:9"

    told = refusal(reading(server, user=user, **cluster))

    assert server in told.splitlines()[0]
    assert "context 'example'" in told.splitlines()[0]


def test_a_plug_in_that_fails_is_told_with_what_it_said() -> None:
    told = refusal(reading("https://127.0.0.1:9", user=exec_plugin("sh", "-c", "echo not configured >&2; exit 1")))

    assert told.startswith(
        "No credentials for https://127.0.0.1:9 (context 'example'): Exec sh returned 1: not configured"
    )


def test_a_token_that_cannot_be_sent_is_not_shown(api_server: ApiServer) -> None:
    assert api_server.url in refusal(reading(api_server.url, user={"token": "canary\n"}))


def test_an_address_that_is_none_is_told() -> None:
    assert "http://[::1 (context 'example')" in refusal(reading("http://[::1"))


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


@pytest.mark.parametrize(
    ("plugin", "command"),
    [
        (
            "env .venv/bin/python -m delivery oke-token --cluster ocid1.cluster.x --region eu-frankfurt-1",
            "kubectl --kubeconfig <(python -m delivery kubeconfig --cluster ocid1.cluster.x --region eu-frankfurt-1)",
        ),
        ("oci ce cluster generate-token --cluster-id ocid1.cluster.x", KUBECTL),
    ],
)
def test_a_cluster_of_oke_is_reached_as_the_program_does(plugin: str, command: str) -> None:
    found = reading("https://127.0.0.1:1", user=exec_plugin(*plugin.split()))

    assert found.kubectl == command
    assert ("OCI_CLI_PROFILE" in found.other_identity) == ("oke-token" in plugin)


def test_a_kubeconfig_in_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(example.kubeconfig()))

    assert kubeconfig.read(str(file), "").kubectl == f"kubectl --kubeconfig {file} --context example"
