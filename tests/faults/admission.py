"""The API server rejects an object, or a chart does not render."""

import base64
import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.support.faults.case import RECOVER, REFRESH, UP_ALONE, case
from tests.support.faults.sandbox import Sandbox
from tests.support.faults.update import UP
from tests.support.oci_api import write_certificate
from tests.support.project import Outcome
from tests.support.serving import serving, use_tls

CHART = "infra/helm/todo-app"


class _Refusing(BaseHTTPRequestHandler):
    """A webhook that rejects every object.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
    """

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = {"message": "images must be signed by the platform team", "code": 403}
        answer = {"uid": review["request"]["uid"], "allowed": False, "status": status}
        body = json.dumps({**review, "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        pass


@contextmanager
def _webhook(sandbox: Sandbox, url: str, certificate: Path, group: str, resource: str) -> Generator[None]:
    authority = base64.b64encode(certificate.read_bytes().partition(b"-----BEGIN PRIVATE")[0]).decode()
    client = {"url": url, "caBundle": authority}
    rule = {"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": [resource]}
    document = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "policy"},
        "webhooks": [
            {
                "name": "policy.example.com",
                "clientConfig": client,
                "rules": [rule],
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "timeoutSeconds": 2,
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}},
            }
        ],
    }
    sandbox.apply(yaml.safe_dump(document))
    try:
        yield
    finally:
        sandbox.kubectl("delete", "validatingwebhookconfiguration", "policy")


@contextmanager
def _refusing_webhook(sandbox: Sandbox, group: str, resource: str) -> Generator[None]:
    certificate = sandbox.project.folder / "webhook.pem"
    write_certificate(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    use_tls(server, certificate)
    url = f"https://127.0.0.1:{server.server_port}/"
    with serving(server), _webhook(sandbox, url, certificate, group, resource):
        yield


@case("a webhook refuses the app's deployments", UP_ALONE, RECOVER)
def _webhook_of_deployments(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with _refusing_webhook(sandbox, "apps", "deployments"):
        return sandbox.project.run(*UP)


@case("a webhook refuses a secret")
def _webhook_of_secrets(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with _refusing_webhook(sandbox, "", "secrets"):
        return sandbox.project.run(*UP)


@case("a webhook does not answer", UP_ALONE, RECOVER)
def _webhook_away(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    certificate = sandbox.project.folder / "webhook.pem"
    write_certificate(certificate)
    with _webhook(sandbox, "https://127.0.0.1:9/", certificate, "apps", "deployments"):
        return sandbox.project.run(*UP)


@contextmanager
def _quota(sandbox: Sandbox, **hard: str) -> Generator[None]:
    document = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small", "namespace": "default"},
        "spec": {"hard": {name.replace("count_", "count/"): value for name, value in hard.items()}},
    }
    sandbox.apply(yaml.safe_dump(document))
    sandbox.kubectl("wait", "resourcequota/small", "--for=jsonpath={.status.hard}", "--timeout=30s")
    try:
        yield
    finally:
        sandbox.kubectl("delete", "resourcequota", "small")


@case("a quota of pods is exceeded", UP_ALONE, RECOVER)
def _quota_of_pods(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with _quota(sandbox, pods="1"):
        return sandbox.project.run(*UP)


@case("a quota of secrets is exceeded", UP_ALONE, RECOVER)
def _quota_of_secrets(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with _quota(sandbox, count_secrets="1"):
        return sandbox.project.run(*UP)


@case("a namespace is stuck terminating", REFRESH, may_replace="dapr")
def _terminating(sandbox: Sandbox) -> Outcome:
    sandbox.kubectl("create", "configmap", "held", "--namespace", "dapr-system")
    sandbox.kubectl("patch", "configmap", "held", "--namespace", "dapr-system", "--type=merge", "--patch",
                 '{"metadata": {"finalizers": ["example.com/held"]}}')  # fmt: skip
    sandbox.kubectl("delete", "namespace", "dapr-system", "--wait=false")
    sandbox.kubectl("wait", "deployment/dapr-operator", "--namespace", "dapr-system", "--for=delete", "--timeout=60s")
    refused = sandbox.project.run(*UP, "--refresh")
    sandbox.kubectl("patch", "configmap", "held", "--namespace", "dapr-system", "--type=merge", "--patch",
                 '{"metadata": {"finalizers": null}}')  # fmt: skip
    sandbox.kubectl("wait", "namespace/dapr-system", "--for=delete", "--timeout=60s")
    return refused


@case("a chart does not render")
def _chart_does_not_render(sandbox: Sandbox) -> Outcome:
    broken = sandbox.project.folder / CHART / "templates/broken.yaml"
    sandbox.change()
    broken.write_text("kind: {{ .Values.nothing.at.all }}\n")
    outcome = sandbox.project.run(*UP)
    broken.unlink()
    return outcome


@case("a chart renders what no API server knows", UP_ALONE, RECOVER)
def _chart_of_an_unknown_kind(sandbox: Sandbox) -> Outcome:
    broken = sandbox.project.folder / CHART / "templates/broken.yaml"
    sandbox.change()
    broken.write_text("{apiVersion: example.com/v1, kind: Unknown, metadata: {name: unknown}}\n")
    outcome = sandbox.project.run(*UP)
    broken.unlink()
    return outcome


@case("chart values do not fit")
def _values_do_not_fit(sandbox: Sandbox) -> Outcome:
    values = sandbox.project.folder / CHART / "values-local.yaml"
    kept = values.read_text()
    sandbox.change()
    values.write_text("backend: {replicaz: 3}\n")
    outcome = sandbox.project.run(*UP)
    values.write_text(kept)
    return outcome


@case("an image cannot be pulled", UP_ALONE, RECOVER)
def _missing_image(sandbox: Sandbox) -> Outcome:
    sandbox.configure(imageSource="pinned", frontendImage="ghcr.io/example/todo-frontend:missing",
                   backendImage="ghcr.io/example/todo-backend:missing")  # fmt: skip
    outcome = sandbox.project.run(*UP)
    sandbox.configure(imageSource="build", frontendImage="", backendImage="")
    return outcome
