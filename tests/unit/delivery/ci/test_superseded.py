from pathlib import Path

import pytest

from delivery.__main__ import main
from tests.support.checkout import Checkout
from tests.support.pulumi_command import PulumiCommand, update


@pytest.fixture
def commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three commits of main, the second checked out, and one of a branch that leaves main before it."""
    checkout = Checkout(tmp_path / "project", monkeypatch)
    first, second, third = (checkout.commit({"file": str(number)}) for number in range(3))
    checkout.check_out(first)
    other = checkout.commit({"file": "other"})
    checkout.check_out(second)
    return [first, second, third, other]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiCommand:
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return PulumiCommand(tmp_path / "engine", monkeypatch)


def superseded(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["superseded", "--stack", "oke"]) == 0
    return capsys.readouterr().out.strip()


def test_older_commit_is_superseded(
    commits: list[str], pulumi: PulumiCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, second, third, _ = commits
    pulumi.made(update(third))

    sentence = superseded(capsys)

    assert third[:7] in sentence
    assert second[:7] in sentence
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == "superseded=true\n"
    assert sentence in (tmp_path / "GITHUB_STEP_SUMMARY").read_text()


@pytest.mark.parametrize("made_from", [0, 1, 3, "", "5e" * 20])
def test_newer_same_and_unrelated_commits_are_not(
    commits: list[str],
    pulumi: PulumiCommand,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    made_from: int | str,
) -> None:
    pulumi.made(update(commits[2]), update(commits[made_from] if isinstance(made_from, int) else made_from))

    assert superseded(capsys) == ""
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == "superseded=false\n"
    assert not (tmp_path / "GITHUB_STEP_SUMMARY").exists()


@pytest.mark.usefixtures("commits")
def test_first_update_is_not(pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.made()

    assert superseded(capsys) == ""
