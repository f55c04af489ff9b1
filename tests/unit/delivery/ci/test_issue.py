import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from delivery.ci import issue
from system.errors import UserError
from tests.support.workflow_commands import FakeCommand

TITLE = "Stack oke has drifted"


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCommand:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    gh = FakeCommand(tmp_path / "gh")
    open_issues(gh)
    return gh


def open_issues(gh: FakeCommand, *titles: str) -> None:
    """Let the issues of these titles be open, numbered from 7."""
    issues = [{"number": 7 + index, "title": title} for index, title in enumerate(titles)]
    gh.respond("issue", "list", stdout=json.dumps(issues))


def sync(changes: Sequence[str], **variables: str) -> str:
    return issue.sync("oke", changes, {"PATH": os.environ["PATH"], **variables})


def test_first_drift_opens_an_issue(gh: FakeCommand) -> None:
    url = "https://github.com/owner/name/issues/7"
    gh.respond("issue", "create", stdout=f"{url}\n")

    done = sync(
        ["create a:b:C::one", "update a:b:C::two"],
        GITHUB_SERVER_URL="https://github.com",
        GITHUB_REPOSITORY="owner/name",
        GITHUB_RUN_ID="42",
        GH_TOKEN="canary-of-the-job",
        PULUMI_CONFIG_PASSPHRASE="canary-passphrase",
    )

    assert url in done
    _, labelled, created = gh.calls
    assert created.environment["GH_TOKEN"] == "canary-of-the-job"
    assert "PULUMI_CONFIG_PASSPHRASE" not in created.environment
    assert labelled.arguments[:3] == ["label", "create", "drift"]
    assert created.arguments == ["issue", "create", "--title", TITLE, "--label", "drift", "--body-file", "-"]
    assert "\n- `create a:b:C::one`\n- `update a:b:C::two`\n" in (created.stdin or "")
    assert "https://github.com/owner/name/actions/runs/42" in (created.stdin or "")


@pytest.mark.parametrize(
    ("titles", "changes", "command"),
    [
        (["Stack other has drifted", TITLE], ["update a:b:C::two"], ["issue", "edit", "8"]),
        ([TITLE], ["", ""], ["issue", "close", "7"]),
        (["Stack other has drifted"], [], None),
    ],
)
def test_issue_of_this_stack_is_updated_or_closed(
    gh: FakeCommand, titles: Sequence[str], changes: Sequence[str], command: Sequence[str] | None
) -> None:
    open_issues(gh, *titles)

    sync(changes)

    assert [call.arguments[:3] for call in gh.calls[1:]] == ([command] if command else [])
    assert all(f"- `{change}`" in (gh.calls[-1].stdin or "") for change in changes if change)


def test_refusal_of_gh_is_reported(gh: FakeCommand) -> None:
    gh.respond("issue", "create", stderr="HTTP 403: Resource not accessible by integration\n", code=1)

    with pytest.raises(UserError, match="HTTP 403: Resource not accessible by integration") as raised:
        sync(["update a:b:C::two"])

    assert raised.value.hint == "gh auth status"


def test_missing_gh_is_reported() -> None:
    with pytest.raises(UserError, match="gh"):
        issue.sync("oke", [], {"PATH": "/nowhere"})
