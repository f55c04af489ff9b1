"""A stand-in for the API server of a cluster, which records its requests."""

import base64
import gzip
import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.serving import serving


@dataclass(frozen=True)
class Answer:
    body: bytes | None  # None to hang until the server stops
    status: int = HTTPStatus.OK
    content_type: str | None = "application/json"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    authorization: str
    body: bytes


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that closes the connection early."""


class ApiServer:
    def __init__(self) -> None:
        # By path, with or without a method before it and a query after it; everything else is not found.
        self.answers: dict[str, Answer] = {}
        self.requests: list[Request] = []
        self.url = ""
        self._changed = threading.Condition()
        self._ended = threading.Event()

    def has(self, path: str, document: Mapping[str, Any]) -> None:
        self.answers[path] = Answer(json.dumps(document).encode())

    def has_list(self, path: str, *items: Mapping[str, Any]) -> None:
        self.has(path, {"metadata": {}, "items": items})

    def refuses(self, path: str, status: HTTPStatus, message: str) -> None:
        body = {"kind": "Status", "apiVersion": "v1", "message": message, "code": status}
        self.answers[path] = Answer(json.dumps(body).encode(), status)

    def wait_for(self, path: str, *, more: int) -> None:
        """Wait for this many more requests of a path."""
        with self._changed:
            count = self._requests_of(path) + more
            arrived = self._changed.wait_for(lambda: self._requests_of(path) >= count, timeout=60)
        assert arrived, f"{path} was not requested {more} times more: {self.requests}"

    @contextmanager
    def serve(self) -> Generator[None]:
        server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{server.server_port}"
        with serving(server):
            try:
                yield
            finally:
                self._ended.set()

    def _requests_of(self, path: str) -> int:
        return sum(request.path == path for request in self.requests)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api_server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = api_server._answer(
                    Request(
                        self.command,
                        urlsplit(self.path).path,
                        dict(parse_qsl(urlsplit(self.path).query)),
                        self.headers.get("Authorization", ""),
                        self.rfile.read(int(self.headers.get("Content-Length", 0))),
                    )
                )
                if answer.body is None:
                    api_server._ended.wait()
                    return
                self.send_response(answer.status)
                if answer.content_type:
                    self.send_header("Content-Type", answer.content_type)
                self.end_headers()
                self.wfile.write(answer.body)

            do_PATCH = do_DELETE = do_GET  # noqa: N815 (the names that the base class looks for)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler

    def _answer(self, request: Request) -> Answer:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        missing = Answer(b'{"kind": "Status", "message": "not found", "code": 404}', HTTPStatus.NOT_FOUND)
        fitting = [key for key in self.answers if _fits(key, request)]
        return self.answers[max(fitting, key=len)] if fitting else missing


def _fits(key: str, request: Request) -> bool:
    method, _, address = key.rpartition(" ")
    url = urlsplit(address)
    query = dict(parse_qsl(url.query))
    return method in ("", request.method) and url.path == request.path and query.items() <= request.query.items()


def helm_record(revision: int, description: str, manifest: str, status: str = "deployed") -> dict[str, Any]:
    """Return the Secret of a revision, which has its status since 2026-11-24 02:31:41 UTC."""
    record = {"version": revision, "info": {"description": description}, "manifest": manifest}
    encoded = base64.b64encode(gzip.compress(json.dumps(record).encode()))
    labels = {"owner": "helm", "status": status, "version": str(revision), "modifiedAt": "1795400000"}
    return {
        "metadata": {"name": "record", "labels": labels, "creationTimestamp": "2026-11-24T02:31:41Z"},
        "data": {"release": base64.b64encode(encoded).decode()},
    }
