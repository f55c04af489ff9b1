from pathlib import Path

import pytest

from tests.support.machine import Fault, Machine, setting, variable


def unreadable_settings(error: str) -> Fault:
    return lambda machine: machine.engine(config=f"echo error: {error} >&2; exit 255")


@pytest.mark.parametrize(
    ("fault", "name", "evidence"),
    [
        (variable("PULUMI_BACKEND_URL", "ftp://x"), "state", "PULUMI_BACKEND_URL"),
        (variable("PULUMI_CONFIG_PASSPHRASE", ""), "passphrase", "read -rs PULUMI_CONFIG_PASSPHRASE"),
        (unreadable_settings("incorrect passphrase"), "passphrase", "\nhint: read -rs PULUMI_CONFIG_PASSPHRASE"),
        (lambda machine: machine.engine(stacks="[]"), "stack", "\nhint: python -m delivery setup --stack oke"),
        (setting(kafkaBrokers=""), "settings", "pulumi config --stack oke set kafkaBrokers"),
        (unreadable_settings("no such stack"), "settings", "no such stack"),
    ],
)
def test_problem_of_the_backend_fails_its_check(machine: Machine, fault: Fault, name: str, evidence: str) -> None:
    fault(machine)

    assert evidence in machine.failure(name)


@pytest.mark.parametrize("name", ["state", "stack"])
def test_unreachable_state_is_reported_once(machine: Machine, name: str) -> None:
    machine.pulumi.does("echo error: no such bucket >&2; exit 255")

    assert machine.check(name).state == ("failed" if name == "state" else "not applicable")


def test_unreadable_settings_say_nothing_of_the_passphrase(machine: Machine) -> None:
    unreadable_settings("no such stack")(machine)

    assert machine.check("passphrase").state == "not applicable"


def test_password_in_the_backends_url_is_redacted(machine: Machine) -> None:
    machine.patch.setenv("PULUMI_BACKEND_URL", "postgres://me:canary@db.example.com/state")

    checks = machine.checks("state", "GitHub variable")

    assert "postgres://me:…@db.example.com/state" in checks["state"].evidence
    assert '--body "$PULUMI_BACKEND_URL"' in checks["GitHub variable"].evidence
    assert "canary" not in str(checks)


def test_backend_of_pulumi_login_is_used(machine: Machine) -> None:
    machine.patch.delenv("PULUMI_BACKEND_URL")
    assert machine.check("state").state == "failed"
    Path(".pulumi").mkdir()
    Path(".pulumi/credentials.json").write_text('{"current": "file:///state"}')

    checks = machine.checks("state", "GitHub variable")

    assert "file:///state" in checks["state"].evidence
    assert checks["GitHub variable"].state == "passed"
