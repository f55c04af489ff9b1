"""`python -m delivery drift` and `drift-issue`, with stand-ins for pulumi and gh."""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from delivery.__main__ import main
from tests.support.workflow_commands import StandIn

STACK = "urn:pulumi:oke::todo-oke::pulumi:pulumi:Stack::todo-oke-oke"
RELEASE = "urn:pulumi:oke::todo-oke::todo:app:AppRelease$kubernetes:helm.sh/v3:Release::todo-app"
SECRET = "urn:pulumi:oke::todo-oke::todo:app:AppSecrets$kubernetes:core/v1:Secret::app-secrets"
PREVIEW = ["preview", "--refresh", "--json", "--color", "never", "--stack", "oke", "--non-interactive"]
TITLE = "Stack oke has drifted"


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return StandIn(tmp_path / "pulumi")


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    gh = StandIn(tmp_path / "gh")
    open_issues(gh)
    return gh


def open_issues(gh: StandIn, *titles: str) -> None:
    """Lets the issues of these titles be open, numbered from 7."""
    issues = [{"number": 7 + index, "title": title} for index, title in enumerate(titles)]
    gh.answer("issue", "list", stdout=json.dumps(issues))


def step(urn: str, operation: str) -> Mapping[str, Any]:
    return {"op": operation, "urn": urn, "newState": {"urn": urn, "inputs": {"password": "canary"}}}


def found(pulumi: StandIn, capsys: pytest.CaptureFixture[str], *steps: Mapping[str, Any]) -> str:
    pulumi.answer(stdout=json.dumps({"steps": steps, "changeSummary": {}}))
    assert main(["drift", "--stack", "oke"]) == 0
    return capsys.readouterr().out


def tell(monkeypatch: pytest.MonkeyPatch, changes: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(changes))
    return main(["drift-issue", "--stack", "oke"])


def test_drift_is_what_a_refreshed_preview_would_change_by_name(
    pulumi: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = found(pulumi, capsys, step(STACK, "same"), step(SECRET, "update"), step(RELEASE, "create"))

    assert printed == "create kubernetes:helm.sh/v3:Release::todo-app\nupdate kubernetes:core/v1:Secret::app-secrets\n"
    assert pulumi.calls[0].arguments == PREVIEW


def test_what_is_only_looked_at_is_no_drift(pulumi: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(pulumi, capsys, step(STACK, "refresh"), step(SECRET, "read"), step(RELEASE, "same")) == ""


def test_a_resource_at_the_top_has_no_parent_in_its_name(pulumi: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(pulumi, capsys, step(STACK, "update")) == "update pulumi:pulumi:Stack::todo-oke-oke\n"


@pytest.mark.parametrize("last", ["replace", "create-replacement", "delete-replaced"])
def test_the_steps_of_a_replacement_are_one(pulumi: StandIn, capsys: pytest.CaptureFixture[str], last: str) -> None:
    steps = [step(RELEASE, operation) for operation in ("create-replacement", "replace", "delete-replaced", last)]

    assert found(pulumi, capsys, *steps) == "replace kubernetes:helm.sh/v3:Release::todo-app\n"


@pytest.mark.parametrize(
    ("stdout", "told"),
    [
        ("", ""),
        ("warning: not JSON", ""),
        (
            json.dumps(
                {
                    "steps": [step(RELEASE, "update")],
                    "diagnostics": [
                        {"severity": "warning", "message": "a warning"},
                        {"severity": "error", "message": "error: the settings are wrong\n"},
                    ],
                }
            ),
            "\nerror: the settings are wrong",
        ),
    ],
)
def test_without_a_preview_nothing_is_said_of_drift(
    pulumi: StandIn, capsys: pytest.CaptureFixture[str], stdout: str, told: str
) -> None:
    pulumi.answer(stdout=stdout, stderr="error: no stack named 'oke' found\n", code=1)

    assert main(["drift", "--stack", "oke"]) == 1

    output = capsys.readouterr()
    assert output.out == ""
    expected = "error: There is no preview of stack oke.\n    pulumi preview --stack oke --refresh   tells more"
    assert output.err == f"{expected}{told}\n"


def test_the_engines_own_errors_are_seen(pulumi: StandIn, capfd: pytest.CaptureFixture[str]) -> None:
    pulumi.answer(stderr="error: no stack named 'oke' found\n", code=1)

    main(["drift", "--stack", "oke"])

    assert "error: no stack named 'oke' found\n" in capfd.readouterr().err


@pytest.mark.parametrize(("command", "missing"), [("drift", "pulumi"), ("drift-issue", "gh")])
def test_a_missing_command_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, missing: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sys.stdin", io.StringIO("update type::name\n"))

    assert main([command, "--stack", "oke"]) == 1
    assert capsys.readouterr().err.startswith(f"error: {missing} is not on PATH")


def test_the_first_drift_opens_an_issue(
    gh: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gh.answer("issue", "create", stdout="https://github.com/owner/name/issues/7\n")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/name")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")
    monkeypatch.setenv("GH_TOKEN", "canary-of-the-job")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "canary-passphrase")

    assert tell(monkeypatch, "create a:b:C::one\nupdate a:b:C::two\n") == 0

    listed, labelled, created = gh.calls
    assert created.environment["GH_TOKEN"] == "canary-of-the-job"
    assert "PULUMI_CONFIG_PASSPHRASE" not in created.environment
    assert listed.arguments == [
        *("issue", "list", "--label", "drift", "--state", "open", "--limit", "100", "--json", "number,title")
    ]
    assert labelled.arguments[:4] == ["label", "create", "drift", "--force"]
    assert created.arguments == ["issue", "create", "--title", TITLE, "--label", "drift", "--body-file", "-"]
    assert "\n- `create a:b:C::one`\n- `update a:b:C::two`\n" in created.stdin
    assert "https://github.com/owner/name/actions/runs/42" in created.stdin
    assert capsys.readouterr().out == "Stack oke has drifted: https://github.com/owner/name/issues/7\n"


def test_more_drift_updates_the_one_issue_of_this_stack(
    gh: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_issues(gh, "Stack other has drifted", TITLE)

    assert tell(monkeypatch, "update a:b:C::two\n") == 0

    assert [call.arguments for call in gh.calls[1:]] == [["issue", "edit", "8", "--body-file", "-"]]
    assert "- `update a:b:C::two`\n" in gh.calls[1].stdin
    assert capsys.readouterr().out == "Stack oke has still drifted: issue 8 is up to date.\n"


def test_the_issue_is_closed_when_nothing_differs(
    gh: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_issues(gh, TITLE)

    assert tell(monkeypatch, "\n") == 0

    assert [call.arguments for call in gh.calls[1:]] == [
        ["issue", "close", "7", "--comment", "Nothing differs any more."]
    ]
    assert capsys.readouterr().out == "Stack oke has drifted no more: issue 7 is closed.\n"


def test_without_drift_and_issue_nothing_is_written(
    gh: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_issues(gh, "Stack other has drifted")

    assert tell(monkeypatch, "") == 0

    assert len(gh.calls) == 1
    assert capsys.readouterr().out == "Stack oke has not drifted.\n"


def test_what_gh_refuses_is_told(
    gh: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gh.answer("issue", "create", stderr="HTTP 403: Resource not accessible by integration\n", code=1)

    assert tell(monkeypatch, "update a:b:C::two\n") == 1

    assert capsys.readouterr().err == (
        "error: gh issue create failed: HTTP 403: Resource not accessible by integration\n"
        "    gh auth status   tells more\n"
    )
