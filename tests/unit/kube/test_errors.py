"""How a user reads the failures of an API server, asked of a stand-in."""

import socket
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx2
import pytest
from lightkube import Client
from lightkube.resources.core_v1 import Namespace

from kube.errors import ClusterError, translate_errors
from kube.kubeconfig import Kubeconfig
from tests.support import example
from tests.support.api_server import Answer, ApiServer

NAMESPACES = "/api/v1/namespaces"
NOWHERE = "https://127.0.0.1:9"


def exec_plugin(*command: str) -> dict[str, Any]:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": command[0], "args": list(command[1:])}
    return {"exec": plugin}


def failure(cluster: Kubeconfig, *, seconds: float = 60) -> ClusterError:
    """Return the error of a request; every one names the cluster, and none a credential."""
    with pytest.raises(ClusterError) as error, translate_errors(cluster):
        list(Client(config=cluster.config, timeout=httpx2.Timeout(seconds)).list(Namespace))
    assert example.CANARY not in "".join(traceback.format_exception(error.value))
    assert cluster.server in error.value.message
    assert "context 'example'" in error.value.message
    assert "\n" not in error.value.message
    assert error.value.hint is not None
    assert error.value.hint.startswith(f"{cluster.kubectl} ")
    return error.value


@pytest.mark.parametrize(
    ("status", "message", "kind", "command"),
    [
        (HTTPStatus.UNAUTHORIZED, "Unauthorized", "rejected the credentials (401)", "auth whoami"),
        (HTTPStatus.FORBIDDEN, "secrets is forbidden", "rejected the request (403)", "auth can-i --list"),
        (HTTPStatus.TOO_MANY_REQUESTS, "try again later", "is rate limiting requests (429)", "get --raw /readyz"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "etcd is not ready", "failed the request (503)", "get --raw /readyz"),
        (HTTPStatus.FORBIDDEN, 'admission webhook "a" denied the request', "webhook blocked the request (403)", "get "),
        (HTTPStatus.INTERNAL_SERVER_ERROR, 'failed calling webhook "a"', "webhook blocked the request (500)", "get "),
    ],
)
def test_rejection_is_explained_by_its_kind(
    api_server: ApiServer, status: HTTPStatus, message: str, kind: str, command: str
) -> None:
    api_server.refuses(NAMESPACES, status, message)

    error = failure(example.cluster(api_server.url))

    assert kind in error.message
    assert error.message.endswith(message)
    assert command in str(error.hint)


@pytest.mark.parametrize(
    ("status", "ending"), [(HTTPStatus.FORBIDDEN, ": no; ask for it"), (HTTPStatus.UNAUTHORIZED, ": no")]
)
def test_remedy_is_for_a_missing_permission(api_server: ApiServer, status: HTTPStatus, ending: str) -> None:
    api_server.refuses(NAMESPACES, status, "no")
    cluster = example.cluster(api_server.url)

    with pytest.raises(ClusterError) as error, translate_errors(cluster, "ask for it"):
        list(cluster.client().list(Namespace))

    assert error.value.message.endswith(ending)


def test_unreachable_cluster_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as freed:
        server = f"http://127.0.0.1:{freed.getsockname()[1]}"

    assert failure(example.cluster(server)).message.startswith("Cannot reach the API server")


def test_cluster_that_hangs_is_unreachable(api_server: ApiServer) -> None:
    api_server.answers[NAMESPACES] = Answer(None)

    assert failure(example.cluster(api_server.url), seconds=0.1).message.startswith("Cannot reach the API server")


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
    ],
    ids=lambda answer: f"{answer.status} {answer.body}",
)
def test_server_that_is_not_kubernetes_is_reported(api_server: ApiServer, answer: Answer) -> None:
    api_server.answers[NAMESPACES] = answer

    failure(example.cluster(api_server.url))


@pytest.mark.parametrize(
    "user",
    [
        exec_plugin("no-such-oci"),
        exec_plugin("echo", "canary"),
        exec_plugin("echo", "{}"),
        {"auth-provider": {"name": "gcp"}},
        {"client-certificate-data": "AAAA"},
        {"client-certificate-data": "canary!", "client-key-data": "canary!"},
        {"client-certificate": "missing.crt", "client-key": "missing.key"},
        {"token": "canary\n"},
    ],
    ids=str,
)
def test_unusable_credentials_are_reported_and_not_shown(user: Mapping[str, Any]) -> None:
    failure(example.cluster(NOWHERE, user=user))


@pytest.mark.parametrize(
    ("server", "entry"),
    [
        (NOWHERE, {"certificate-authority": "missing.crt"}),
        (NOWHERE, {"certificate-authority-data": "x!"}),
        ("http://[::1", {}),
    ],
    ids=["missing authority", "broken authority", "malformed address"],
)
def test_unusable_cluster_entry_is_reported(server: str, entry: Mapping[str, str]) -> None:
    failure(example.cluster(server, cluster=entry))


def test_exec_plugin_that_fails_is_reported_with_its_output() -> None:
    error = failure(example.cluster(NOWHERE, user=exec_plugin("sh", "-c", "echo not configured >&2; exit 1")))

    assert error.message.startswith("Cannot load the credentials")
    assert error.message.endswith("not configured")
