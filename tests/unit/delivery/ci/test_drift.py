import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import Delivery
from tests.support.workflow_commands import FakeCommand

STACK = "urn:pulumi:oke::todo-oke::pulumi:pulumi:Stack::todo-oke-oke"
RELEASE = "urn:pulumi:oke::todo-oke::todo:release:AppRelease$kubernetes:helm.sh/v3:Release::todo-app"
SECRET = "urn:pulumi:oke::todo-oke::todo:secrets:AppSecrets$kubernetes:core/v1:Secret::app-secrets"


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCommand:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return FakeCommand(tmp_path / "pulumi")


def step(urn: str, operation: str) -> Mapping[str, Any]:
    return {"op": operation, "urn": urn, "newState": {"urn": urn, "inputs": {"password": "canary"}}}


@pytest.mark.parametrize(
    ("steps", "lines"),
    [
        (
            [step(STACK, "same"), step(SECRET, "update"), step(RELEASE, "create")],
            ["create kubernetes:helm.sh/v3:Release::todo-app", "update kubernetes:core/v1:Secret::app-secrets"],
        ),
        ([step(STACK, "refresh"), step(SECRET, "read"), step(RELEASE, "same")], []),
        (
            [step(RELEASE, each) for each in ("create-replacement", "replace", "delete-replaced", "replace")],
            ["replace kubernetes:helm.sh/v3:Release::todo-app"],
        ),
    ],
)
def test_drift_is_what_a_refreshed_preview_changes(
    pulumi: FakeCommand, delivery: Delivery, steps: list[Mapping[str, Any]], lines: list[str]
) -> None:
    pulumi.respond(stdout=json.dumps({"steps": steps, "changeSummary": {}}))

    assert delivery("drift", "--stack", "oke")[0].splitlines() == lines
    assert {"preview", "--refresh"} <= {*pulumi.calls[0].arguments}


@pytest.mark.parametrize("stdout", ["", "warning: not JSON"])
def test_failed_preview_is_not_taken_for_no_drift(pulumi: FakeCommand, delivery: Delivery, stdout: str) -> None:
    pulumi.respond(stdout=stdout, stderr="error: no stack named 'oke' found\n", code=1)

    printed, error = delivery("drift", "--stack", "oke", code=1)

    assert printed == ""
    assert "error: no stack named 'oke' found\n" in error


def test_errors_of_the_program_are_shown(pulumi: FakeCommand, delivery: Delivery) -> None:
    diagnostics = [
        {"severity": "warning", "message": "a warning"},
        {"severity": "error", "message": "error: the settings are wrong\n"},
    ]
    pulumi.respond(stdout=json.dumps({"steps": [step(RELEASE, "update")], "diagnostics": diagnostics}), code=1)

    _, error = delivery("drift", "--stack", "oke", code=1)

    assert "error: the settings are wrong" in error
    assert "a warning" not in error
