"""What stands between a stack and its API server, and can be away, slow, full, broken or cut off."""

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

# The administrator's, in place of the client certificate of the cluster's own kubeconfig.
TOKEN = "canary-cluster-token-91d7"
_OF_OCI = "aHR0cHM6Ly9jb250YWluZXJlbmdpbmUu"  # https://containerengine.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}
_CHUNK = 65536


@dataclass(frozen=True)
class Refusal:
    """What is answered in the API server's place; retry_after: in seconds, or None."""

    status: HTTPStatus
    reason: str
    message: str
    retry_after: int | None = None

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


# Source: https://kubernetes.io/docs/concepts/cluster-administration/flow-control/ and k8s.io/apiserver's own words.
TOO_MANY = Refusal(
    HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests", "too many requests, please try again later", retry_after=1
)
BROKEN = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "etcdserver: request timed out")
UNAUTHORIZED = Refusal(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


class Front:
    """Speaks HTTP/1.1 over TLS, and passes what it is asked on to the API server of a kubeconfig.

    Whoever has TOKEN, or a token of OCI's user that Oracle would take, is the cluster's administrator; any other token
    is the API server's to judge.
    """

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        document = yaml.safe_load(kubeconfig.read_text())
        user = document["users"][0]["user"]
        self._server = urlsplit(document["clusters"][0]["cluster"]["server"])
        self._administrator, self._anybody = (_trusting_anybody() for _ in range(2))
        self._administrator.load_cert_chain(user["client-certificate"], user["client-key"])
        self._certificate = folder / "front.pem"
        oci_api.write_certificate(self._certificate)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(self._certificate)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._port = 0
        self._delay = 0.0
        self._refusal: Refusal | None = None

    def kubeconfig(self, user: Mapping[str, Any] | None = None) -> str:
        """A kubeconfig that leads here; user: its credentials, the administrator's where there are none."""
        certificate = base64.b64encode(self._certificate.read_bytes().partition(b"-----BEGIN PRIVATE")[0]).decode()
        cluster = {"server": f"https://127.0.0.1:{self._port}", "certificate-authority-data": certificate}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "front", "cluster": cluster}],
            "users": [{"name": "front", "user": dict(user or {"token": TOKEN})}],
            "contexts": [{"name": "front", "context": {"cluster": "front", "user": "front"}}],
            "current-context": "front",
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
    def away(self) -> Generator[None]:
        """Nothing listens, and what was connected no longer is."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    @contextmanager
    def slow(self, seconds: float) -> Generator[None]:
        """Each request takes so much longer."""
        self._delay = seconds
        try:
            yield
        finally:
            self._delay = 0.0

    @contextmanager
    def answering(self, refusal: Refusal) -> Generator[None]:
        """Each request is answered with this, and the watches that run are cut."""
        self._refusal = refusal
        self.cut()
        try:
            yield
        finally:
            self._refusal = None

    def cut(self) -> None:
        """Ends all connections, in the middle of whatever goes over them."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def hindrance(self, authorization: str) -> Refusal | None:
        """Lets a request wait, and says what it is answered with if not by the API server."""
        time.sleep(self._delay)
        if authorization.startswith(f"Bearer {_OF_OCI}") and not _oracle_takes(authorization.removeprefix("Bearer ")):
            return UNAUTHORIZED
        return self._refusal

    def server(self, authorization: str) -> http.client.HTTPSConnection:
        """A connection to the API server, as whoever that is."""
        mine = authorization == f"Bearer {TOKEN}" or authorization.startswith(f"Bearer {_OF_OCI}")
        context = self._administrator if mine else self._anybody
        return http.client.HTTPSConnection(self._server.hostname or "", self._server.port, context=context)

    def _start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self._port), backlog=256)
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _stop(self) -> None:
        if self._listener:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # else the accept that waits keeps the port
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
            pass  # cut, or the client gave up
        finally:
            with self._lock:
                self._open = {each for each in self._open if each.fileno() >= 0}


class _Handler(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 0

    def __init__(self, front: Front, connection: socket.socket, address: Any) -> None:
        self._front = front
        super().__init__(connection, address, None)  # pyright: ignore[reportArgumentType] (it asks nothing of a server)

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        authorization = self.headers.get("Authorization", "")
        if refusal := self._front.hindrance(authorization):
            self._refuse(refusal)
        else:
            self._pass_on(self._front.server(authorization), body)

    do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 (the names that the base class looks for)

    def _refuse(self, refusal: Refusal) -> None:
        body = refusal.body()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        if refusal.retry_after is not None:
            headers["Retry-After"] = str(refusal.retry_after)
        self._begin(refusal.status, headers)
        self.wfile.write(body)

    def _pass_on(self, server: http.client.HTTPSConnection, body: bytes) -> None:
        try:
            server.request(self.command, self.path, body or None, _passed_on(self.headers))
            with server.getresponse() as response:
                self._answer(response)
        finally:
            server.close()

    def _answer(self, response: http.client.HTTPResponse) -> None:
        headers = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
        if self.command == "HEAD" or response.length is not None:
            whole = response.read()
            self._begin(response.status, headers)
            self.wfile.write(whole)
            return
        self._begin(response.status, {**headers, "Transfer-Encoding": "chunked"})
        while chunk := response.read1(_CHUNK):  # an event of a watch, as it comes
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        pass


def _passed_on(headers: Message) -> dict[str, str]:
    kept = {name: value for name, value in headers.items() if name.lower() not in {*_HOP_BY_HOP, "host"}}
    if kept.get("Authorization") == f"Bearer {TOKEN}" or _OF_OCI in kept.get("Authorization", ""):
        del kept["Authorization"]
    return kept


def _oracle_takes(token: str) -> bool:
    try:
        oci_api.user_of(token, cluster=oci_api.CLUSTER, region=oci_api.REGION, now=datetime.now(UTC))
    except oci_api.NotAuthenticated:
        return False
    return True


def _trusting_anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the API server beside it on this machine
    return context
