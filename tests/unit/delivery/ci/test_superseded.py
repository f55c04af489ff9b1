from pathlib import Path

import pytest

from tests.support.checkout import Checkout
from tests.support.command_line import Delivery
from tests.support.pulumi_command import PulumiCommand, update


@pytest.fixture
def commits(checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three commits of main, the second checked out, and one of a branch that leaves main before it."""
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(tmp_path / name))
    first, second, third = (checkout.commit({"file": str(number)}) for number in range(3))
    checkout.check_out(first)
    other = checkout.commit({"file": "other"})
    checkout.check_out(second)
    return [first, second, third, other]


def test_older_commit_is_superseded(
    commits: list[str], pulumi: PulumiCommand, tmp_path: Path, delivery: Delivery
) -> None:
    _, second, third, _ = commits
    pulumi.made(update(third))

    sentence = delivery("superseded", "--stack", "oke")[0].strip()

    assert third[:7] in sentence
    assert second[:7] in sentence
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == "superseded=true\n"
    assert sentence in (tmp_path / "GITHUB_STEP_SUMMARY").read_text()


@pytest.mark.parametrize("last", ["first", "same", "of a branch", "outside of git", "not fetched", "none"])
def test_newer_same_and_unrelated_commits_are_not(
    commits: list[str], pulumi: PulumiCommand, tmp_path: Path, delivery: Delivery, last: str
) -> None:
    first, second, third, other = commits
    made_from = {"first": first, "same": second, "of a branch": other, "outside of git": "", "not fetched": "5e" * 20}
    pulumi.made(*([update(third), update(made_from[last])] if last in made_from else []))

    assert delivery("superseded", "--stack", "oke")[0].strip() == ""
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == "superseded=false\n"
    assert not (tmp_path / "GITHUB_STEP_SUMMARY").exists()
