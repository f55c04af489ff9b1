"""A fake OCI: its check of signatures, its API, and a cluster that accepts its tokens."""

import base64
import hashlib
import json
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from tests.support.serving import serving, use_tls

REGION = "eu-frankfurt-1"
CLUSTER = "ocid1.cluster.oc1.eu-frankfurt-1.aaaacluster"
TENANCY = "ocid1.tenancy.oc1..aaaatenancy"
USER = "ocid1.user.oc1..aaaauser"
FINGERPRINT = "20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34"
KEY_ID = f"{TENANCY}/{USER}/{FINGERPRINT}"
PASS_PHRASE = "canary%pass-phrase"
SESSION_TOKEN = "eyJraWQ.canary-session.c2ln"

KEY = generate_private_key(65537, 2048)

_SKEW = timedelta(minutes=5)
_SIGNED = {"date", "(request-target)", "host"}
_SIGNED_WITH_BODY = _SIGNED | {"content-length", "content-type", "x-content-sha256"}


class NotAuthenticated(Exception):  # noqa: N818 (what OCI calls it)
    """The reason of a 401."""


def pem(pass_phrase: str = "", key: RSAPrivateKey = KEY) -> str:
    """Return the private key as the console gives it, or encrypted as by openssl."""
    encryption: KeySerializationEncryption = (
        BestAvailableEncryption(pass_phrase.encode()) if pass_phrase else NoEncryption()
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode() + "OCI_API_KEY\n"


def write_config(home: Path, **profiles: Mapping[str, str]) -> None:
    """Write ~/.oci with keys and a config of these profiles beside a complete [DEFAULT]."""
    folder = home / ".oci"
    folder.mkdir(exist_ok=True)
    (folder / "key.pem").write_text(pem())
    (folder / "encrypted.pem").write_text(pem(PASS_PHRASE))
    (folder / "token").write_text(f"{SESSION_TOKEN}\n")
    default = {
        "user": USER,
        "tenancy": TENANCY,
        "fingerprint": FINGERPRINT,
        "region": REGION,
        "key_file": "~/.oci/key.pem",
    }
    sections = {"DEFAULT": default, **profiles}
    (folder / "config").write_text(
        "\n".join(
            f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in entries.items())
            for name, entries in sections.items()
        )
    )


def signer(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    now: datetime,
) -> str:
    """Return the keyId of a valid signature. Raises NotAuthenticated.

    headers: in lower case.
    Source: https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm
    """
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    if scheme != "Signature" or fields.get("version") != "1" or fields.get("algorithm") != "rsa-sha256":
        raise NotAuthenticated("no signature of version 1")
    names = fields["headers"].split(" ")
    if set(names) != (_SIGNED_WITH_BODY if method == "POST" else _SIGNED):
        raise NotAuthenticated(f"signed are {names}")
    if not headers["date"].endswith(" GMT") or abs(parsedate_to_datetime(headers["date"]) - now) > _SKEW:
        raise NotAuthenticated(f"it is of {headers['date']}")
    target = urlsplit(url)
    if headers.get("host", target.netloc) != target.netloc:
        raise NotAuthenticated(f"it is for {headers['host']}")
    if body and base64.b64decode(headers["x-content-sha256"]) != hashlib.sha256(body).digest():
        raise NotAuthenticated("another body was signed")
    resource = target._replace(scheme="", netloc="").geturl()
    parts = {**headers, "host": target.netloc, "(request-target)": f"{method.lower()} {resource}"}
    text = "\n".join(f"{name}: {parts[name]}" for name in names)
    try:
        KEY.public_key().verify(base64.b64decode(fields["signature"]), text.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        raise NotAuthenticated("the key did not sign this") from None
    return fields["keyId"]


def user_of(token: str, *, cluster: str, region: str, now: datetime) -> str:
    """Return the user of a cluster's token, which is a signed request. Raises NotAuthenticated."""
    url, _, query = base64.urlsafe_b64decode(token).decode().partition("?")
    if url != f"https://containerengine.{region}.oraclecloud.com/cluster_request/{cluster}":
        raise NotAuthenticated(f"it is for {url}")
    headers = {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}
    if headers.keys() != {"authorization", "date"}:
        raise NotAuthenticated(f"it holds {headers.keys()}")
    return signer("GET", url, headers, now=now)


@dataclass
class Oracle:
    """An HTTPS server that is OCI's API at `endpoint`, and the API server of CLUSTER."""

    certificate: Path
    url: str = ""
    answer: tuple[HTTPStatus, bytes] | None = None
    """The response to an authenticated request for the kubeconfig, in its place."""
    asked: list[Any] = field(default_factory=list[Any])
    """The body of each request for a kubeconfig."""
    users: list[str] = field(default_factory=list[str])
    """The user of each request to the cluster."""
    documents: dict[str, Any] = field(default_factory=dict[str, Any])
    """By path and query, further documents of the API."""

    @property
    def endpoint(self) -> str:
        return f"{self.url}/20180222"

    @property
    def apis(self) -> tuple[str, str, str, str]:
        """The URLs of Object Storage, the clusters, the identities and the limits."""
        return self.url, self.endpoint, f"{self.url}/20160918", f"{self.url}/20190729"

    def kubeconfig(self) -> dict[str, Any]:
        """Return OCI's kubeconfig, with the OCI CLI as the plug-in."""
        authority = base64.b64encode(self.certificate.read_bytes()).decode()
        plugin = {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "oci",
            "args": ["ce", "cluster", "generate-token", "--cluster-id", CLUSTER, "--region", REGION],
            "env": [],
        }
        return {
            "apiVersion": "v1",
            "kind": "",
            "clusters": [
                {"name": "cluster-aaaa", "cluster": {"server": self.url, "certificate-authority-data": authority}}
            ],
            "users": [{"name": "user-aaaa", "user": {"exec": plugin}}],
            "contexts": [{"name": "context-aaaa", "context": {"cluster": "cluster-aaaa", "user": "user-aaaa"}}],
            "current-context": "context-aaaa",
        }

    @contextmanager
    def serve(self) -> Generator[None]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        use_tls(server, self.certificate)
        self.url = f"https://127.0.0.1:{server.server_port}"
        with serving(server):
            yield

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        oracle = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                try:
                    status, answer = oracle._answer(self.command, self.path, headers, body)
                except NotAuthenticated as error:
                    status = HTTPStatus.UNAUTHORIZED
                    answer = json.dumps({"code": "NotAuthenticated", "message": str(error)}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json" if answer.startswith(b"{") else "text/plain")
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET  # noqa: N815 (the name that the base class looks for)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[HTTPStatus, bytes]:
        now = datetime.now(UTC)
        if method == "POST" and path == f"/20180222/clusters/{CLUSTER}/kubeconfig/content":
            signer(method, f"{self.url}{path}", headers, body, now=now)
            self.asked.append(json.loads(body))
            return self.answer or (HTTPStatus.OK, yaml.safe_dump(self.kubeconfig()).encode())
        if method == "GET" and path in self.documents:
            signer(method, f"{self.url}{path}", headers, now=now)
            return HTTPStatus.OK, json.dumps(self.documents[path]).encode()
        if method == "GET" and path == "/api/v1/namespaces":
            token = headers.get("authorization", "").removeprefix("Bearer ")
            self.users.append(user_of(token, cluster=CLUSTER, region=REGION, now=now))
            system = {"metadata": {"name": "kube-system", "uid": "uid-of-the-cluster"}}
            namespaces = {"kind": "NamespaceList", "apiVersion": "v1", "metadata": {}, "items": [system]}
            return HTTPStatus.OK, json.dumps(namespaces).encode()
        return HTTPStatus.NOT_FOUND, b'{"code": "NotAuthorizedOrNotFound", "message": "not found"}'


def domains_of(compartment: str) -> str:
    """Return the path of a compartment's availability domains."""
    return f"/20160918/availabilityDomains?compartmentId={compartment}"


def limits_of(service: str) -> str:
    """Return the path of the tenancy's limits of a service."""
    return f"/20190729/limitValues?compartmentId={TENANCY}&serviceName={service}&limit=1000"


def free_tier(compartment: str) -> dict[str, Any]:
    """Return the documents of a tenancy of the free tier: what the stack needs, and one limit that it does not."""
    limits: Mapping[str, Mapping[str, int]] = {
        "compute": {"standard-a1-core-count": 2, "standard-a1-memory-count": 12, "standard-e4-core-count": 0},
        "container-engine": {"cluster-count": 1},
        "load-balancer": {"lb-flexible-count": 1},
        "vcn": {"vcn-count": 2, "internet-gateway-count": 1, "nat-gateway-count": 1},
    }
    domains = [{"name": f"Uocm:AD-{number}", "compartmentId": TENANCY} for number in (2, 1)]
    values = {
        limits_of(service): [{"name": name, "scopeType": "AD", "value": value} for name, value in named.items()]
        for service, named in limits.items()
    }
    return {domains_of(compartment): domains, **values}


def write_certificate(path: Path) -> None:
    """Write the key and the certificate of 127.0.0.1."""
    path.write_bytes(certificate() + pem().encode())


def certificate(left: timedelta = timedelta(hours=1)) -> bytes:
    """Return the self-signed certificate of 127.0.0.1 as PEM; left: until it expires."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, KEY.public_key(), x509.random_serial_number())
        .not_valid_before(min(now, now + left) - timedelta(hours=1))
        .not_valid_after(now + left)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(KEY, SHA256())
    )
    return made.public_bytes(Encoding.PEM)
