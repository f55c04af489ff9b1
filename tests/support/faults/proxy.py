"""A proxy between a stack and its API server, which can be unavailable, slow, or answer with errors."""

import base64
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.support import oci_api

# Of the administrator, in place of the client certificate in the cluster's own kubeconfig.
TOKEN = "canary-cluster-token-91d7"
_OF_OCI = "aHR0cHM6Ly9jb250YWluZXJlbmdpbmUu"  # https://containerengine.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}
_CHUNK = 65536


@dataclass(frozen=True)
class ErrorResponse:
    """A response in place of the API server's."""

    status: HTTPStatus
    reason: str
    message: str
    retry_after: int | None = None  # seconds

    def body(self) -> bytes:
        return json.dumps(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": self.message,
                "reason": self.reason,
                "code": self.status,
            }
        ).encode()


# https://kubernetes.io/docs/concepts/cluster-administration/flow-control/ and the messages of k8s.io/apiserver.
TOO_MANY_REQUESTS = ErrorResponse(
    HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests", "too many requests, please try again later", retry_after=1
)
INTERNAL_ERROR = ErrorResponse(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "etcdserver: request timed out")
UNAUTHORIZED = ErrorResponse(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


class ApiProxy:
    """HTTP/1.1 over TLS in front of the API server of a kubeconfig.

    TOKEN, or a valid token of OCI's user, is the cluster's administrator. The API server checks all other tokens.
    """

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        document = yaml.safe_load(kubeconfig.read_text())
        user = document["users"][0]["user"]
        self._server = urlsplit(document["clusters"][0]["cluster"]["server"])
        self._administrator, self._anonymous = (_insecure_context() for _ in range(2))
        self._administrator.load_cert_chain(user["client-certificate"], user["client-key"])
        self._certificate = folder / "proxy.pem"
        oci_api.write_certificate(self._certificate)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(self._certificate)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._port = 0
        self._delay = 0.0
        self._error: ErrorResponse | None = None

    def kubeconfig(self, user: Mapping[str, Any] | None = None) -> str:
        """Return a kubeconfig for the proxy, with `user` as its credentials or the administrator's."""
        certificate = base64.b64encode(self._certificate.read_bytes().partition(b"-----BEGIN PRIVATE")[0]).decode()
        cluster = {"server": f"https://127.0.0.1:{self._port}", "certificate-authority-data": certificate}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "proxy", "cluster": cluster}],
            "users": [{"name": "proxy", "user": dict(user or {"token": TOKEN})}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
            "current-context": "proxy",
        }
        return yaml.safe_dump(document)

    @contextmanager
    def serve(self) -> Generator[None]:
        self._start()
        try:
            yield
        finally:
            self._stop()

    @contextmanager
    def unavailable(self) -> Generator[None]:
        """Listen no longer, and close all connections."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    @contextmanager
    def slow(self, seconds: float) -> Generator[None]:
        """Delay each request."""
        self._delay = seconds
        try:
            yield
        finally:
            self._delay = 0.0

    @contextmanager
    def responding_with(self, error: ErrorResponse) -> Generator[None]:
        """Answer each request with this, and close the running watches."""
        self._error = error
        self.cut()
        try:
            yield
        finally:
            self._error = None

    def cut(self) -> None:
        """Close all connections, in the middle of their responses."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def error_for(self, authorization: str) -> ErrorResponse | None:
        """Delay a request, and return the error that it is answered with, if any."""
        time.sleep(self._delay)
        if authorization.startswith(f"Bearer {_OF_OCI}") and not _is_valid_token(authorization.removeprefix("Bearer ")):
            return UNAUTHORIZED
        return self._error

    def server(self, authorization: str) -> http.client.HTTPSConnection:
        """Open a connection to the API server, with the right of a token."""
        is_administrator = authorization == f"Bearer {TOKEN}" or authorization.startswith(f"Bearer {_OF_OCI}")
        context = self._administrator if is_administrator else self._anonymous
        return http.client.HTTPSConnection(self._server.hostname or "", self._server.port, context=context)

    def _start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self._port), backlog=256)
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _stop(self) -> None:
        if self._listener:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # else the waiting accept keeps the port
            self._listener.close()
            self._listener = None
        self.cut()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connected, args=(connection, address), daemon=True).start()

    def _connected(self, connection: socket.socket, address: Any) -> None:
        with self._lock:
            self._open.add(connection)
        try:
            with self._context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=True) as secured:
                with self._lock:
                    self._open.discard(connection)
                    self._open.add(secured)
                _Handler(self, secured, address)
        except (OSError, http.client.HTTPException):
            pass  # closed by a case, or by the client
        finally:
            with self._lock:
                self._open = {each for each in self._open if each.fileno() >= 0}


class _Handler(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 0

    def __init__(self, proxy: ApiProxy, connection: socket.socket, address: Any) -> None:
        self._front = proxy
        super().__init__(connection, address, None)  # pyright: ignore[reportArgumentType] (it asks nothing of a server)

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        authorization = self.headers.get("Authorization", "")
        if error := self._front.error_for(authorization):
            self._send_error(error)
        else:
            self._forward(self._front.server(authorization), body)

    do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 (the names that the base class looks for)

    def _send_error(self, error: ErrorResponse) -> None:
        body = error.body()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        self._begin(error.status, headers)
        self.wfile.write(body)

    def _forward(self, server: http.client.HTTPSConnection, body: bytes) -> None:
        try:
            server.request(self.command, self.path, body or None, _forwarded(self.headers))
            with server.getresponse() as response:
                self._send(response)
        finally:
            server.close()

    def _send(self, response: http.client.HTTPResponse) -> None:
        headers = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
        if self.command == "HEAD" or response.length is not None:
            whole = response.read()
            self._begin(response.status, headers)
            self.wfile.write(whole)
            return
        self._begin(response.status, {**headers, "Transfer-Encoding": "chunked"})
        while chunk := response.read1(_CHUNK):  # each event of a watch at once
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        pass


def _forwarded(headers: Message) -> dict[str, str]:
    kept = {name: value for name, value in headers.items() if name.lower() not in {*_HOP_BY_HOP, "host"}}
    if kept.get("Authorization") == f"Bearer {TOKEN}" or _OF_OCI in kept.get("Authorization", ""):
        del kept["Authorization"]
    return kept


def _is_valid_token(token: str) -> bool:
    try:
        oci_api.user_of(token, cluster=oci_api.CLUSTER, region=oci_api.REGION, now=datetime.now(UTC))
    except oci_api.NotAuthenticated:
        return False
    return True


def _insecure_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the API server is on this machine
    return context
