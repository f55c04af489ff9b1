"""OCI Object Storage, as its S3 API is to whoever keeps state there: a real S3 server behind what OCI refuses."""

import http.client
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.oci_api import REGION, write_certificate
from tests.support.serving import serving, use_tls
from tools.devstack.ports import free_port
from tools.devstack.process import PROVIDED, answers, running

# A Customer Secret Key.
ACCESS_KEY = "0123456789abcdef0123456789abcdef01234567"
SECRET_KEY = "canary-secret-key-b9f1"

_HEALTH = "/health"
# What belongs to one connection, and not to a request or an answer that is passed on.
_HOP_BY_HOP = {"connection", "expect", "transfer-encoding"}


@dataclass(frozen=True)
class Refusal:
    status: HTTPStatus
    code: str
    message: str

    def document(self) -> bytes:
        return f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>".encode()


CHUNKED = Refusal(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", "AWS chunked encoding not supported")
PAYLOAD = Refusal(
    HTTPStatus.BAD_REQUEST,
    "InvalidArgument",
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value.",
)
# Known as its answer to a DeleteObjects; what it says of another request is not told anywhere.
CHECKSUM = Refusal(
    HTTPStatus.BAD_REQUEST,
    "InvalidRequest",
    "Missing required header: Content-MD5 or x-amz-checksum-sha256 or x-amz-checksum-crc32c",
)
# Its certificate is not for such a host, so that a client does not get so far as to be answered.
VIRTUAL_HOST = Refusal(HTTPStatus.NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist")


def refusal(headers: Mapping[str, str], authority: str) -> Refusal | None:
    """What OCI refuses of a request that an S3 server accepts; headers: in lower case.

    Sources: https://github.com/activepieces/activepieces/issues/14110 (chunks, checksums),
    https://github.com/hashicorp/terraform/issues/34053 (the payload's hash),
    https://docs.oracle.com/en-us/iaas/Content/Object/s3-virtual-style.htm (the address)
    """
    if headers["host"] != authority:
        return VIRTUAL_HOST
    if "aws-chunked" in headers.get("content-encoding", ""):
        return CHUNKED
    if not re.fullmatch(r"UNSIGNED-PAYLOAD|[0-9a-f]{64}", headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")):
        return PAYLOAD
    checksums = [name for name in headers if name.startswith("x-amz-checksum-")]
    checksums += [headers.get(name, "") for name in ("x-amz-sdk-checksum-algorithm", "x-amz-trailer")]
    return CHECKSUM if any(re.search(r"crc32$|crc64nvme$", name, re.IGNORECASE) for name in checksums) else None


class ObjectStorage:
    """All that it has lies in `folder`: a bucket is a folder of `buckets`, an object a file in it.

    authority: host and port where it answers over TLS, with `certificate`.
    server: those of the S3 server behind it, which answers without.
    refused: what was refused so far.
    """

    def __init__(self, folder: Path) -> None:
        self.buckets = folder / "buckets"
        self.certificate = folder / "certificate.pem"
        self.authority = ""
        self.server = f"127.0.0.1:{free_port()}"
        self.refused: list[Refusal] = []
        self._folder = folder

    def objects(self, bucket: str) -> Mapping[str, bytes]:
        folder = self.buckets / bucket
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    @contextmanager
    def serve(self) -> Generator[None]:
        self.buckets.mkdir()
        metadata = self._folder / "metadata"
        metadata.mkdir()
        write_certificate(self.certificate)
        options = ["--port", self.server, "--region", REGION, "--health", _HEALTH, "--quiet"]
        backend = ["posix", "--sidecar", metadata, self.buckets]
        port = int(self.server.rpartition(":")[2])
        with (
            running(
                "versitygw",
                [PROVIDED / "bin/versitygw", *options, *backend],
                self._folder / "versitygw.log",
                lambda: answers(port, _HEALTH),
                environment={"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY},
            ),
            self._front(),
        ):
            yield

    @contextmanager
    def _front(self) -> Generator[None]:
        front = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        use_tls(front, self.certificate)
        self.authority = f"127.0.0.1:{front.server_port}"
        with serving(front):
            yield

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        storage = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                refused = refusal(headers, storage.authority)
                if refused:
                    storage.refused.append(refused)
                    self._answer(refused.status, {"content-type": "application/xml"}, refused.document())
                else:
                    self._answer(*storage._pass_on(self.command, self.path, headers, body))

            do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 (the names that the base class looks for)

            def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
                self.send_response_only(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler

    def _pass_on(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """What the server answers; it gets the headers as they are, for the signature is of them."""
        connection = http.client.HTTPConnection(self.server)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name in headers.keys() - _HOP_BY_HOP:
            connection.putheader(name, headers[name])
        connection.endheaders(body)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        kept = {name.lower(): value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
        return response.status, kept, answer
