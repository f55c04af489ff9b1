"""When Dapr's root certificate ends, which its sidecars trust one another by: nothing renews it.

Dapr makes it for a year, when the control plane is installed: https://docs.dapr.io/operations/security/mtls/. The pods
tell it, because the injector hands it to each sidecar: pkg/injector/patcher/sidecar_container.go of Dapr 1.15.4.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.x509 import load_pem_x509_certificates
from lightkube.resources.core_v1 import Pod

from delivery.report import Check
from delivery.verify.snapshot import SIMULATED, is_simulated
from kube.objects import containers

CERTIFICATE = "Dapr certificate"
# https://docs.dapr.io/reference/cli/dapr-mtls/dapr-mtls-renew-certificate
RENEWAL = (
    "dapr mtls renew-certificate --kubernetes --valid-until 365 --restart   and then "
    "kubectl rollout restart deployment/backend"
)

_TOLD_BEFORE = timedelta(days=30)  # as Dapr's own command line does
_ANCHORS = "DAPR_TRUST_ANCHORS"


def certificate(pods: Sequence[Pod], now: datetime) -> Check:
    """Whether it is valid, and how to renew it where it ends soon; pods: of the backend, now: in UTC."""
    if any(map(is_simulated, pods)):
        return Check(CERTIFICATE, "not applicable", SIMULATED)
    end = expiry(pods)
    if end is None:
        return Check(CERTIFICATE, "not applicable", "no sidecar was given one")
    if end <= now:
        return Check(CERTIFICATE, "failed", f"it ended on {end:%Y-%m-%d}", [RENEWAL])
    if expires_soon(end, now):
        return Check(CERTIFICATE, "passed", f"it ends on {end:%Y-%m-%d}\n    {RENEWAL}")
    return Check(CERTIFICATE, "passed", f"until {end:%Y-%m-%d}")


def expiry(pods: Sequence[Pod]) -> datetime | None:
    """When what the sidecars trust ends, in UTC: the first to end, where they differ. None where none has any."""
    found = (_end(pod) for pod in pods)
    return min((end for end in found if end), default=None)


def expires_soon(end: datetime, now: datetime) -> bool:
    """Whether it is time to renew it."""
    return end - now < _TOLD_BEFORE


def _end(pod: Pod) -> datetime | None:
    variables = (variable for container in containers(pod) for variable in container.env or [])
    anchors = next((variable.value for variable in variables if variable.name == _ANCHORS), None)
    if not anchors:
        return None
    try:
        # A renewed one stands beside the one that it renews, until that ends.
        return max(each.not_valid_after_utc for each in load_pem_x509_certificates(anchors.encode()))
    except ValueError:
        return None
