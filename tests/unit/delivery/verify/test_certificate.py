"""Dapr's root certificate, which ends without anybody's doing: told by a verification and by the look for drift."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest

from delivery.__main__ import main
from tests.support.oci_api import certificate
from tests.support.running_app import PODS, RunningApp, checks, deployments, pod

RENEWAL = "dapr mtls renew-certificate --kubernetes"


def pem(days: int) -> str:
    return certificate(timedelta(days=days)).decode()


def date(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


def trusts(app: RunningApp, *each: str) -> None:
    app.runs(deployments(), *(pod(trusted=trusted) for trusted in each))


def drift(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> str:
    app.pulumi.previews()
    capsys.readouterr()
    assert main(["drift", "--stack", "oke"]) == 0
    return capsys.readouterr().out


def test_its_end_is_told(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    trusts(app, pem(31))

    assert checks(capsys, 0)["Dapr certificate"]["evidence"] == f"until {date(31)}"
    assert drift(app, capsys) == ""


def test_an_end_that_is_near_fails_no_update_and_comes_with_what_renews_it(
    app: RunningApp, capsys: pytest.CaptureFixture[str]
) -> None:
    trusts(app, pem(29))

    found = checks(capsys, 0)["Dapr certificate"]

    assert found["state"] == "passed"
    assert found["evidence"].startswith(f"it ends on {date(29)}\n    {RENEWAL}")
    assert drift(app, capsys).startswith(f"renew Dapr's root certificate, which expires on {date(29)}: {RENEWAL}")


def test_one_that_ended_fails(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    trusts(app, pem(-1))

    found = checks(capsys, 1)["Dapr certificate"]

    assert (found["state"], found["evidence"]) == ("failed", f"it ended on {date(-1)}")
    assert found["causes"][0].startswith(RENEWAL)
    assert drift(app, capsys).startswith("renew Dapr's root certificate")


def test_a_renewed_one_counts_beside_the_old_one(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    trusts(app, pem(2) + pem(365))

    assert checks(capsys, 0)["Dapr certificate"]["evidence"] == f"until {date(365)}"


def test_a_pod_that_was_not_restarted_since_counts(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    trusts(app, pem(365), pem(2))

    assert checks(capsys, 0)["Dapr certificate"]["evidence"].startswith(f"it ends on {date(2)}")


@pytest.mark.parametrize("trusted", ["", "no PEM"])
def test_without_one_there_is_nothing_to_tell(
    app: RunningApp, trusted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trusts(app, trusted)

    assert checks(capsys, 0)["Dapr certificate"]["state"] == "not applicable"
    assert drift(app, capsys) == ""


def test_a_cluster_that_does_not_tell_keeps_the_drift_from_nobody(
    app: RunningApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.server.refuses(PODS, HTTPStatus.FORBIDDEN, "pods is forbidden")
    app.pulumi.previews({"op": "update", "urn": "urn:pulumi:oke::todo-oke::a:b:C::one"})

    assert main(["drift", "--stack", "oke"]) == 0

    printed = capsys.readouterr()
    assert printed.out == "update a:b:C::one\n"
    assert "could not check Dapr's root certificate: pods is forbidden" in printed.err


def test_a_stack_that_was_never_brought_up_has_none(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.pulumi.has_outputs({})

    assert drift(app, capsys) == ""
