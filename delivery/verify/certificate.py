"""The expiry of Dapr's root certificate, which its sidecars trust one another by, and which nothing renews.

Dapr creates it for a year when the control plane is installed: https://docs.dapr.io/operations/security/mtls/. The
injector hands it to each sidecar: pkg/injector/patcher/sidecar_container.go of Dapr 1.15.4.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.x509 import load_pem_x509_certificates
from lightkube.resources.core_v1 import Pod

from delivery.report import Check
from delivery.verify.snapshot import SIMULATED, is_simulated
from kube.objects import containers

NAME = "Dapr certificate"
# https://docs.dapr.io/reference/cli/dapr-mtls/dapr-mtls-renew-certificate
RENEWAL = (
    "dapr mtls renew-certificate --kubernetes --valid-until 365 --restart && kubectl rollout restart deployment/backend"
)

_WARNING = timedelta(days=30)  # as in Dapr's own command line
_ANCHORS = "DAPR_TRUST_ANCHORS"


def check(pods: Sequence[Pod], now: datetime) -> Check:
    """Check the certificate of the backend's pods; now: in UTC."""
    if any(map(is_simulated, pods)):
        return Check(NAME, "not applicable", SIMULATED)
    end = expiry(pods)
    if end is None:
        return Check(NAME, "not applicable", "no sidecar has one")
    if end <= now:
        return Check(NAME, "failed", f"expired on {end:%Y-%m-%d}", [f"hint: {RENEWAL}"])
    if expires_soon(end, now):
        return Check(NAME, "passed", f"expires on {end:%Y-%m-%d}\nhint: {RENEWAL}")
    return Check(NAME, "passed", f"valid until {end:%Y-%m-%d}")


def expiry(pods: Sequence[Pod]) -> datetime | None:
    """Return the first expiry, in UTC, of the certificates in the pods, or None without any."""
    return min((end for end in map(_expiry, pods) if end), default=None)


def expires_soon(end: datetime, now: datetime) -> bool:
    return end - now < _WARNING


def _expiry(pod: Pod) -> datetime | None:
    variables = (variable for container in containers(pod) for variable in container.env or [])
    anchors = next((variable.value for variable in variables if variable.name == _ANCHORS), None)
    if not anchors:
        return None
    try:
        # A renewed certificate stands beside the old one until that expires.
        return max(each.not_valid_after_utc for each in load_pem_x509_certificates(anchors.encode()))
    except ValueError:
        return None
