"""Credentials that the cluster does not take: expired, not valid yet, too weak, or made by a clock that is wrong."""

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
from tests.faults.case import RECOVER, UP_ALONE, case
from tests.faults.front import UNAUTHORIZED
from tests.faults.kills import SECRET, begins, helm_waits
from tests.faults.site import Site
from tests.faults.update import UP
from tests.support import oci_api
from tests.support.project import Outcome

_DAY = timedelta(days=1)
_SKEW = timedelta(minutes=10)


def _up_as(site: Site, user: dict[str, Any]) -> Outcome:
    """An update of whoever this is, straight to the cluster's own API server."""
    site.change()
    document = yaml.safe_load(site.direct.read_text())
    document["users"][0]["user"] = user
    (site.project.folder / ".local/kubeconfig").write_text(yaml.safe_dump(document))
    outcome = site.project.run(*UP)
    site.use_front()
    return outcome


def _certificate(site: Site, begins: datetime, ends: datetime) -> dict[str, Any]:
    """The administrator's client certificate, of another time, by the cluster's own authority."""
    user = yaml.safe_load(site.direct.read_text())["users"][0]["user"]
    old = x509.load_pem_x509_certificate(Path(user["client-certificate"]).read_bytes())
    folder = Path(user["client-certificate"]).parent
    made = (
        x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), x509.random_serial_number())
        .not_valid_before(begins)
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
def _expired_certificate(site: Site) -> Outcome:
    now = datetime.now(UTC)
    return _up_as(site, _certificate(site, now - 2 * _DAY, now - _DAY))


@case("a client certificate that is not valid yet, as by a clock that is behind")
def _certificate_of_tomorrow(site: Site) -> Outcome:
    now = datetime.now(UTC)
    return _up_as(site, _certificate(site, now + _DAY, now + 2 * _DAY))


@case("a service account's token that expired")
def _expired_token(site: Site) -> Outcome:
    header, payload, _ = site.kubectl("create", "token", "default").strip().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims |= {"iat": int(time.time()) - 7200, "nbf": int(time.time()) - 7200, "exp": int(time.time()) - 3600}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    user = yaml.safe_load(site.direct.read_text())["users"][0]["user"]
    signed = _key(Path(user["client-key"])).sign(f"{header}.{payload}".encode(), PKCS1v15(), SHA256())
    token = f"{header}.{payload}.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"
    site.secrets.append(token)
    return _up_as(site, {"token": token})


@case("a service account's token that may do nothing")
def _weak_token(site: Site) -> Outcome:
    token = site.kubectl("create", "token", "default").strip()
    site.secrets.append(token)
    return _up_as(site, {"token": token})


@case("a token that expires while secrets are rotated", UP_ALONE, RECOVER)
def _expires_early(site: Site) -> Outcome:
    site.change()
    with site.updating() as update:
        update.wait_until(begins(SECRET))
        with site.front.answering(UNAUTHORIZED):
            return update.end()


@case("a token that expires while the app is upgraded", UP_ALONE, RECOVER)
def _expires_late(site: Site) -> Outcome:
    site.change()
    with site.updating() as update:
        update.wait_until(helm_waits(site, "todo-app", "default"))
        with site.front.answering(UNAUTHORIZED):
            return update.end()


@case("a clock that is 10 minutes behind, for a token of OKE")
def _skewed(site: Site) -> Outcome:
    credentials = Credentials(oci_api.KEY_ID, oci_api.KEY, oci_api.REGION)
    answer = json.loads(exec_credential(credentials, oci_api.CLUSTER, datetime.now(UTC) - _SKEW))
    site.secrets.append(answer["status"]["token"])
    # Else it would be thought to be out of date here, where the clock is right.
    del answer["status"]["expirationTimestamp"]
    file = site.project.folder / ".local/token.json"
    file.write_text(json.dumps(answer))
    site.change()
    plugin = {"apiVersion": answer["apiVersion"], "command": "cat", "args": [str(file)], "interactiveMode": "Never"}
    site.use_front({"exec": plugin})
    outcome = site.project.run(*UP)
    site.use_front()
    return outcome
