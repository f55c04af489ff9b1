from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest

from delivery.ci import certificate as ci_certificate
from delivery.verify.certificate import NAME, RENEWAL
from tests.support.oci_api import certificate
from tests.support.running_app import PODS, RunningApp, deployments, pod


def pem(days: int) -> str:
    return certificate(timedelta(days=days)).decode()


def date(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


@pytest.mark.parametrize(
    ("certificates", "state", "days", "is_drift"),
    [
        ([pem(31)], "passed", 31, False),
        ([pem(29)], "passed", 29, True),
        ([pem(-1)], "failed", -1, True),
        ([pem(2) + pem(365)], "passed", 365, False),  # renewed, beside the old one
        ([pem(365), pem(2)], "passed", 2, True),  # one pod was not restarted since
        ([""], "not applicable", None, False),
        (["no PEM"], "not applicable", None, False),
    ],
)
def test_expiry_is_reported_with_the_renewal(
    app: RunningApp, certificates: list[str], state: str, days: int | None, *, is_drift: bool
) -> None:
    app.runs(deployments(), *(pod(trusted=each) for each in certificates))

    check = app.check(NAME)

    assert check.state == state
    assert days is None or date(days) in check.evidence
    assert (RENEWAL in check.evidence + str(check.causes)) == is_drift
    assert [RENEWAL in line and date(days or 0) in line for line in ci_certificate.find("oke")] == [True] * is_drift


def test_unreachable_cluster_is_reported_beside_the_drift(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.server.refuses(PODS, HTTPStatus.FORBIDDEN, "pods is forbidden")

    assert ci_certificate.find("oke") == []
    assert "pods is forbidden" in capsys.readouterr().err


def test_undeployed_stack_has_none(app: RunningApp) -> None:
    app.pulumi.has_outputs({})

    assert ci_certificate.find("oke") == []
