import re
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from delivery.report import Check
from delivery.verify import http
from tests.support.api_server import Answer, ApiServer
from tests.support.oci_api import write_certificate
from tests.support.running_app import RunningApp
from tests.support.serving import serving, use_tls

INGRESS = "/apis/networking.k8s.io/v1/namespaces/todo/ingresses/todo-app-ingress"


def check(url: str | None, path: str = "/", address: str | None = None) -> Check:
    with http.new_client() as client:
        return http.check(client, url, path, address)


def test_ingress_without_an_address_fails() -> None:
    assert check(None).state == "failed"


@pytest.mark.parametrize(("scheme", "tls"), [("http", []), ("https", [{"hosts": ["todo.example.com"]}])])
def test_address_that_the_ingress_gets_after_the_update_is_used(app: RunningApp, scheme: str, tls: list[Any]) -> None:
    app.promises(url="")
    balancer = {"ingress": [{"hostname": app.server.url.removeprefix("http://")}]}
    app.server.has(INGRESS, {"metadata": {}, "spec": {"tls": tls}, "status": {"loadBalancer": balancer}})

    assert app.server.url.replace("http", scheme) in app.check("GET /").evidence


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://todo.invalid", "DNS has no record of todo.invalid.*203.0.113.7"),
        ("http://127.0.0.1:9", "no response from http://127.0.0.1:9/"),
    ],
)
def test_unreachable_address_fails(url: str, problem: str) -> None:
    result = check(url, address="203.0.113.7")

    assert result.state == "failed"
    assert re.search(problem, result.evidence)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(b'{"anything": 1}'), None),
        (Answer(b'{"status": "down"}'), "status is not ok"),
        (Answer(b"<!doctype html>", content_type="text/html; charset=utf-8"), "not JSON (text/html)"),
        (Answer(b"", content_type=None), "not JSON (without a type)"),
        (Answer(b'"ok"'), "not a JSON object"),
        (Answer(b"{}", HTTPStatus.BAD_GATEWAY), "502"),
    ],
)
def test_health_must_be_the_backends_own(api_server: ApiServer, answer: Answer, problem: str | None) -> None:
    api_server.answers["/api/health"] = answer

    result = check(api_server.url, "/api/health")

    assert result.state == ("failed" if problem else "passed")
    assert problem is None or problem in result.evidence


class _Redirect(BaseHTTPRequestHandler):
    target = ""

    def do_GET(self) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", self.target)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def redirecting(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = HTTPServer(("127.0.0.1", 0), _Redirect)
    with serving(server):
        yield server


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("{server}/api/health", None),
        ("https://login.example.com/?next=canary-token", "another host, login.example.com"),
        ("/", "redirects"),
    ],
)
def test_redirects_must_end_at_the_app(
    redirecting: HTTPServer,
    api_server: ApiServer,
    target: str,
    problem: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api_server.has("/api/health", {"status": "ok"})
    monkeypatch.setattr(_Redirect, "target", target.format(server=api_server.url))

    result = check(f"http://127.0.0.1:{redirecting.server_port}")

    assert result.state == ("failed" if problem else "passed")
    assert problem is None or problem in result.evidence
    assert "canary" not in result.evidence


def test_certificate_that_is_not_issued_yet_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    write_certificate(tmp_path / "certificate.pem")
    server = HTTPServer(("127.0.0.1", 0), _Redirect)
    use_tls(server, tmp_path / "certificate.pem")
    with serving(server):
        result = check(f"https://127.0.0.1:{server.server_port}")

    assert result.state == "failed"
    assert result.evidence.endswith("\nhint: kubectl describe issuer,certificate")
