from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_server import Answer
from tests.support.oci_api import write_certificate
from tests.support.running_app import RunningApp, checks
from tests.support.serving import serving, use_tls

INGRESS = "/apis/networking.k8s.io/v1/namespaces/todo/ingresses/todo-app-ingress"


def test_an_ingress_without_an_address_is_no_answer(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.promises(url="")

    assert checks(capsys, 1)["GET /"]["evidence"] == "the ingress has no address yet"


@pytest.mark.parametrize("tls", [[], [{"hosts": ["todo.example.com"]}]])
def test_an_ingress_that_gets_its_address_after_the_update_is_asked_there(
    app: RunningApp, tls: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    app.promises(url="")
    balancer = {"ingress": [{"hostname": app.server.url.removeprefix("http://")}]}
    app.server.has(INGRESS, {"metadata": {}, "spec": {"tls": tls}, "status": {"loadBalancer": balancer}})

    evidence = checks(capsys, 1 if tls else 0)["GET /"]["evidence"]

    assert evidence.startswith(
        f"{app.server.url.replace('http', 'https')}/ does" if tls else f"200 from {app.server.url}"
    )


def test_a_host_that_dns_does_not_know_is_told_with_where_it_is_to_lead(
    app: RunningApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.promises(url="http://todo.invalid", address="203.0.113.7")

    evidence = checks(capsys, 1)["GET /"]["evidence"]

    assert evidence == "DNS does not know todo.invalid: make a record of it that leads to 203.0.113.7"


def test_nobody_there_is_no_answer(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.promises(url="http://127.0.0.1:9")

    evidence = checks(capsys, 1)["GET /"]["evidence"]
    assert evidence.startswith("http://127.0.0.1:9/ does not answer: ")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(b'{"status": "ok"}'), ""),
        (Answer(b'{"anything": 1}'), ""),
        (Answer(b'{"status": "down"}'), ", whose status is not ok"),
        (
            Answer(b"<!doctype html>", content_type="text/html; charset=utf-8"),
            ", which is no JSON but text/html: it is not the backend that answers",
        ),
        (Answer(b"", content_type=None), ", which is no JSON but no type: it is not the backend that answers"),
        (Answer(b'"ok"'), ", which is no JSON object: it is not the backend that answers"),
    ],
)
def test_the_health_is_the_backends_own(
    app: RunningApp, answer: Answer, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app.server.answers["/api/health"] = answer

    found = checks(capsys, 1 if told else 0)["GET /api/health"]
    assert found["evidence"] == f"200 from {app.server.url}/api/health{told}"


class _Moved(BaseHTTPRequestHandler):
    """Sends everybody on, to `target`."""

    target = ""

    def do_GET(self) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", self.target)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def moved(app: RunningApp) -> Iterator[str]:
    """The address of an ingress that sends everybody on."""
    server = HTTPServer(("127.0.0.1", 0), _Moved)
    url = f"http://127.0.0.1:{server.server_port}"
    app.promises(url=url)
    with serving(server):
        yield url


def test_a_redirect_on_the_same_host_is_followed(
    app: RunningApp, moved: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_Moved, "target", f"{app.server.url}/api/health")

    found = checks(capsys, 0)
    assert found["GET /"]["evidence"] == f"200 from {moved}/"


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("https://login.example.com/?next=canary-token", "302 from {}/, which leads elsewhere, to login.example.com"),
        ("/", "302 from {}/, one redirect after another"),
    ],
)
def test_a_redirect_that_does_not_end_at_the_app_fails(
    moved: str, target: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_Moved, "target", target)

    assert checks(capsys, 1)["GET /"]["evidence"] == told.format(moved)


def test_a_certificate_that_is_not_issued_yet_is_named(
    app: RunningApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate = tmp_path / "certificate.pem"
    write_certificate(certificate)
    server = HTTPServer(("127.0.0.1", 0), _Moved)
    use_tls(server, certificate)
    with serving(server):
        app.promises(url=f"https://127.0.0.1:{server.server_port}")
        found = checks(capsys, 1)

    assert found["GET /"]["evidence"] == (
        "the certificate of 127.0.0.1 is not valid yet (self-signed certificate); "
        "`kubectl describe issuer,certificate` tells what it waits for"
    )
