from datetime import UTC, datetime

import pytest

from delivery.history import updates
from system.errors import UserError
from tests.support.pulumi_command import PulumiCommand, update

CANARY = "canary-password"


def test_numbers_of_the_engine_are_kept(commit: str, pulumi: PulumiCommand) -> None:
    pulumi.made({**update(commit), "version": 40}, {**update(commit), "version": 42})

    assert [each.version for each in updates.read("oke")] == [42, 40]


def test_last_update_is_recorded_as_verified_once(commit: str, pulumi: PulumiCommand) -> None:
    pulumi.made(*[update(commit)] * 30, {**update(commit), "kind": "refresh"})
    pulumi.tagged(" ".join(map(str, range(29, 9, -1))))

    for _ in range(2):
        assert updates.record_verified("oke") == 30
        assert pulumi.verified == " ".join(map(str, range(30, 10, -1)))


def test_failed_update_is_not_recorded_as_verified(commit: str, pulumi: PulumiCommand) -> None:
    pulumi.made(update(commit), {**update(commit), "result": "failed"})

    assert updates.record_verified("oke") is None
    assert pulumi.verified == ""


def test_author_comes_from_git_where_the_engine_records_none(commit: str, pulumi: PulumiCommand) -> None:
    worktree = update(commit)
    del worktree["environment"]["git.author"]
    pulumi.made(worktree)

    assert updates.read("oke")[0].author == "Ann"


@pytest.mark.parametrize("key", ["kafkaPassword", "note"])
def test_setting_that_was_not_encrypted_by_mistake_is_hidden(pulumi: PulumiCommand, key: str) -> None:
    plain = update("")
    plain["config"][f"todo-oke:{key}"] = {"value": f"{CANARY}\nand more", "secret": False}
    pulumi.made(plain)

    (read,) = updates.read("oke")

    assert key in read.secrets
    assert CANARY not in str(read)


def test_clock_behind_the_last_update_is_an_error(pulumi: PulumiCommand) -> None:
    pulumi.made(update(""))
    before, after = datetime(2025, 11, 24, 2, 31, tzinfo=UTC), datetime(2025, 11, 24, 2, 32, tzinfo=UTC)

    updates.require_clock(updates.last_update("oke"), after)
    with pytest.raises(UserError, match="hint: date -u"):
        updates.require_clock(updates.last_update("oke"), before)
    pulumi.made({**update(""), "version": 7})  # Pulumi Cloud has a clock of its own
    updates.require_clock(updates.last_update("oke"), before)
