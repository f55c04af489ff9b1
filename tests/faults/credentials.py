"""Credentials that the cluster rejects: expired, not yet valid, without permission, or from a wrong clock."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from oke.credentials import Credentials
from oke.token import exec_credential
from tests.support import oci_api
from tests.support.faults.case import RECOVER, UP_ALONE, case
from tests.support.faults.proxy import UNAUTHORIZED
from tests.support.faults.sandbox import Sandbox
from tests.support.faults.update import KAFKA_SECRET, UP, step_starts
from tests.support.project import Outcome

_DAY = timedelta(days=1)
_SKEW = timedelta(minutes=10)


def _up_as(sandbox: Sandbox, user: dict[str, Any]) -> Outcome:
    """Update with other credentials, without the proxy."""
    sandbox.change()
    document = yaml.safe_load(sandbox.direct.read_text())
    document["users"][0]["user"] = user
    (sandbox.project.folder / ".local/kubeconfig").write_text(yaml.safe_dump(document))
    outcome = sandbox.project.run(*UP)
    sandbox.use_proxy()
    return outcome


def _certificate(sandbox: Sandbox, starts: datetime, ends: datetime) -> dict[str, Any]:
    """Return the administrator's client certificate with another period, signed by the cluster's authority."""
    user = yaml.safe_load(sandbox.direct.read_text())["users"][0]["user"]
    old = x509.load_pem_x509_certificate(Path(user["client-certificate"]).read_bytes())
    folder = Path(user["client-certificate"]).parent
    made = (
        x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .sign(_key(folder / "ca.key"), SHA256())
    )
    certificate = base64.b64encode(made.public_bytes(Encoding.PEM)).decode()
    return {"client-certificate-data": certificate, "client-key": user["client-key"]}


def _key(path: Path) -> RSAPrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


@case("a client certificate that expired")
def _expired_certificate(sandbox: Sandbox) -> Outcome:
    now = datetime.now(UTC)
    return _up_as(sandbox, _certificate(sandbox, now - 2 * _DAY, now - _DAY))


@case("a client certificate that is not valid yet, as by a clock that is behind")
def _certificate_of_tomorrow(sandbox: Sandbox) -> Outcome:
    now = datetime.now(UTC)
    return _up_as(sandbox, _certificate(sandbox, now + _DAY, now + 2 * _DAY))


@case("a service account's token that expired")
def _expired_token(sandbox: Sandbox) -> Outcome:
    header, payload, _ = sandbox.kubectl("create", "token", "default").strip().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims |= {"iat": int(time.time()) - 7200, "nbf": int(time.time()) - 7200, "exp": int(time.time()) - 3600}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    user = yaml.safe_load(sandbox.direct.read_text())["users"][0]["user"]
    signed = _key(Path(user["client-key"])).sign(f"{header}.{payload}".encode(), PKCS1v15(), SHA256())
    token = f"{header}.{payload}.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"
    sandbox.secrets.append(token)
    return _up_as(sandbox, {"token": token})


@case("a service account's token that may do nothing")
def _weak_token(sandbox: Sandbox) -> Outcome:
    token = sandbox.kubectl("create", "token", "default").strip()
    sandbox.secrets.append(token)
    return _up_as(sandbox, {"token": token})


@case("a token that expires while secrets are rotated", UP_ALONE, RECOVER)
def _expires_early(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with sandbox.updating() as update:
        update.wait_until(step_starts(KAFKA_SECRET))
        with sandbox.proxy.responding_with(UNAUTHORIZED):
            return update.end()


@case("a token that expires while the app is upgraded", UP_ALONE, RECOVER)
def _expires_late(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with sandbox.updating() as update:
        update.wait_until(sandbox.helm_is_busy("todo-app", "default"))
        with sandbox.proxy.responding_with(UNAUTHORIZED):
            return update.end()


@case("a clock that is 10 minutes behind, for a token of OKE")
def _skewed(sandbox: Sandbox) -> Outcome:
    credentials = Credentials(oci_api.KEY_ID, oci_api.KEY, oci_api.REGION)
    answer = json.loads(exec_credential(credentials, oci_api.CLUSTER, datetime.now(UTC) - _SKEW))
    sandbox.secrets.append(answer["status"]["token"])
    # Else kubectl would see that it has expired.
    del answer["status"]["expirationTimestamp"]
    file = sandbox.project.folder / ".local/token.json"
    file.write_text(json.dumps(answer))
    sandbox.change()
    plugin = {"apiVersion": answer["apiVersion"], "command": "cat", "args": [str(file)], "interactiveMode": "Never"}
    sandbox.use_proxy({"exec": plugin})
    outcome = sandbox.project.run(*UP)
    sandbox.use_proxy()
    return outcome
