"""The API endpoint of an OKE cluster, in front of the embedded one: it takes the tokens of OCI's users, as OKE does.

nginx carries the requests, since a watch lasts for hours; a token of OCI is judged by Oracle's rules, and stands for
the embedded cluster's administrator. Any other token, such as a service account's, is the API server's to judge.
"""

import base64
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from devstack.ports import free_port, is_free
from devstack.web import nginx
from tests.support.oci_api import REGION, NotAuthenticated, user_of, write_certificate
from tests.support.serving import serving

_OF_OCI = "Bearer aHR0cHM6Ly9jb250YWluZXJlbmdpbmUu"  # https://containerengine.

_CONFIGURATION = """\
pid nginx.pid;
worker_processes 1;
events {{}}
http {{
    client_body_temp_path client-body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    access_log off;
    client_max_body_size 0;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_read_timeout 1h;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate endpoint.pem;
        ssl_certificate_key endpoint.pem;
        error_page 418 = @of-oci;
        location / {{
            if ($http_authorization ~ "^{of_oci}") {{ return 418; }}
            proxy_pass {server};
        }}
        location @of-oci {{
            auth_request /token;
            proxy_pass {server};
            proxy_set_header Authorization "";
            proxy_set_header Connection "";
            proxy_ssl_certificate client.pem;
            proxy_ssl_certificate_key client.pem;
        }}
        location = /token {{
            internal;
            proxy_pass http://127.0.0.1:{judge};
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
        }}
    }}
}}
"""


@dataclass
class Endpoint:
    """server: its URL; authority: the certificate that it shows, as PEM.

    clusters, users: the OCIDs that the tokens of OCI named so far; refusals: why others were not taken.
    """

    server: str
    authority: bytes
    clusters: set[str] = field(default_factory=set[str])
    users: set[str] = field(default_factory=set[str])
    refusals: list[str] = field(default_factory=list[str])

    def kubeconfig(self) -> str:
        """What OCI answers who asks for the cluster's kubeconfig."""
        authority = base64.b64encode(self.authority).decode()
        cluster = {"server": self.server, "certificate-authority-data": authority}
        document = {
            "apiVersion": "v1",
            "kind": "",
            "clusters": [{"name": "cluster-aaaa", "cluster": cluster}],
            "users": [{"name": "user-aaaa", "user": {"exec": {"command": "oci", "args": ["ce"]}}}],
            "contexts": [{"name": "context-aaaa", "context": {"cluster": "cluster-aaaa", "user": "user-aaaa"}}],
            "current-context": "context-aaaa",
        }
        return yaml.safe_dump(document)

    def takes(self, authorization: str) -> bool:
        """Whether OCI knows who signed the token."""
        token = authorization.removeprefix("Bearer ")
        cluster = base64.urlsafe_b64decode(token).decode().partition("?")[0].rpartition("/")[2]
        try:
            self.users.add(user_of(token, cluster=cluster, region=REGION, now=datetime.now(UTC)))
        except NotAuthenticated as error:
            self.refusals.append(str(error))
            return False
        self.clusters.add(cluster)
        return True


@contextmanager
def oke_endpoint(kubeconfig: Path, folder: Path) -> Generator[Endpoint]:
    """The endpoint of an OKE cluster that is, in truth, the embedded cluster of this kubeconfig."""
    document = yaml.safe_load(kubeconfig.read_text())
    user, cluster = document["users"][0]["user"], document["clusters"][0]["cluster"]
    port = free_port()
    folder.mkdir()
    write_certificate(folder / "endpoint.pem")
    (folder / "client.pem").write_bytes(_read(user, "client-certificate") + _read(user, "client-key"))
    endpoint = Endpoint(f"https://127.0.0.1:{port}", _certificate(folder / "endpoint.pem"))
    with _judge(endpoint) as judge:
        configuration = _CONFIGURATION.format(of_oci=_OF_OCI, port=port, judge=judge, server=cluster["server"])
        (folder / "nginx.conf").write_text(configuration)
        with nginx("the cluster's endpoint", folder, lambda: not is_free(port)):
            yield endpoint


def _read(user: dict[str, str], entry: str) -> bytes:
    data = user.get(f"{entry}-data")
    return base64.b64decode(data) if data else Path(user[entry]).read_bytes()


def _certificate(path: Path) -> bytes:
    text = path.read_text()
    end = "-----END CERTIFICATE-----\n"
    return (text.partition(end)[0] + end).encode()


@contextmanager
def _judge(endpoint: Endpoint) -> Generator[int]:
    """The port at which nginx asks about each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            taken = endpoint.takes(self.headers.get("Authorization", ""))
            self.send_response(HTTPStatus.NO_CONTENT if taken else HTTPStatus.UNAUTHORIZED)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield server.server_port
