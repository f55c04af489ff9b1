import json
from pathlib import Path

import pytest

from delivery.__main__ import main
from delivery.history import table, updates
from tests.support.checkout import Checkout
from tests.support.pulumi_command import PulumiCommand, update, with_secrets

VALUES = "values.yaml"
IMAGES = {"frontendImage": f"ghcr.io/o/f:v1@sha256:{'1a' * 32}", "backendImage": "localhost:5000/o/b:v2"}


CANARY = "canary-password"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    return Checkout(tmp_path / "project", monkeypatch)


@pytest.fixture
def commit(checkout: Checkout) -> str:
    return checkout.commit({VALUES: "replicas: 1\n"})


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiCommand:
    return PulumiCommand(tmp_path / "engine", monkeypatch)


def test_each_update_and_whether_one_can_go_back_to_it(
    commit: str, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    good = update(commit, imageSource="pinned", valuesFile=VALUES, **IMAGES)
    refreshed = {**good, "kind": "refresh", "resourceChanges": {"same": 32}}
    pulumi.made(update(""), good, refreshed, {**good, "result": "failed", "message": "B" * 99})
    pulumi.tagged("2")

    assert main(["history"]) == 0

    short = commit[:7]
    images, asked = (
        "frontend 1a1a1a1, backend v2",
        "frontend image, backend image, chart values, imageSource (2 updated)",
    )
    outside, refresh, failed = (
        "no: it was made outside of a git checkout",
        "no: it was a refresh, which released nothing",
        "no: it failed",
    )
    assert [[cell.strip() for cell in line.split("  ") if cell] for line in capsys.readouterr().out.splitlines()] == [
        [
            *("version", "began (UTC)", "result", "commit", "author"),
            *("changed", "images", "message", "way back"),
        ],
        ["4", "2025-11-24 02:31", "failed", short, "Ann", "(2 updated)", images, "B" * 72, failed],
        ["3", "2025-11-24 02:31", "refresh succeeded", short, "Ann", "nothing", images, "Lists can be shared", refresh],
        ["2", "2025-11-24 02:31", "verified", short, "Ann", asked, images, "Lists can be shared", "yes"],
        ["1", "2025-11-24 02:31", "succeeded", "(2 updated)", "Lists can be shared", outside],
    ]


def test_so_many_of_the_last_updates(commit: str, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.made(*[update(commit)] * 12)

    main(["history"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [*map(str, range(12, 2, -1))]
    main(["history", "--count", "1"])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_engines_own_numbers_are_kept(commit: str, pulumi: PulumiCommand) -> None:
    pulumi.made({**update(commit), "version": 40}, {**update(commit), "version": 42})

    assert [made.version for made in updates.read("oke")] == [42, 40]


@pytest.mark.usefixtures("commit")
def test_a_stack_without_updates(pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.made()

    assert main(["history"]) == 1
    assert "Stack oke was never brought up.\n    pulumi up --stack oke" in capsys.readouterr().err


def test_the_last_update_is_recorded_as_verified(commit: str, pulumi: PulumiCommand) -> None:
    pulumi.made(*[update(commit)] * 30, {**update(commit), "kind": "refresh"})
    pulumi.tagged(" ".join(map(str, range(29, 9, -1))))

    assert updates.record_verified("oke") == 30
    assert pulumi.verified == " ".join(map(str, range(30, 10, -1)))

    assert updates.record_verified("oke") == 30
    assert pulumi.verified == " ".join(map(str, range(30, 10, -1)))
    assert len(" ".join(["99999"] * 20)) < 256


def test_an_update_that_failed_is_not_what_was_verified(commit: str, pulumi: PulumiCommand) -> None:
    pulumi.made(update(commit), {**update(commit), "result": "failed"})

    assert updates.record_verified("oke") is None
    assert pulumi.verified == ""


def test_no_engine_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert main(["history"]) == 1
    assert capsys.readouterr().err.startswith("error: pulumi is not on PATH.\nhint: make tools")


def test_what_an_update_changed(commit: str, pulumi: PulumiCommand, checkout: Checkout) -> None:
    later = checkout.commit({VALUES: "replicas: 2\n", "components/app.py": "x", "infra/helm/t.yaml": "x"})
    first = with_secrets(update(commit, valuesFile=VALUES, nodeCount="2", **IMAGES), kafkaPassword=CANARY)
    images = {**IMAGES, "backendImage": "localhost:5000/o/b:v3"}
    second = with_secrets(
        update(later, valuesFile=VALUES, nodeCount="3", host="a", context="b", **images), kafkaPassword=f"{CANARY}-2"
    )
    second["resourceChanges"] = {"same": 1, "create": 1, "update": 2, "replace": 3, "delete": 4}
    pulumi.made(first, second, second)

    again, changed, made = table.read("oke", 3)

    counts = "(1 created, 2 updated, 3 replaced, 4 deleted)"
    assert again.changed == counts
    assert changed.changed == f"backend image, chart values, 3 settings, kafkaPassword, chart, program {counts}"
    assert made.changed == "(2 updated)"
    assert table.read("oke", 2)[1].changed == changed.changed


def test_the_history_for_a_program(commit: str, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    first = with_secrets(update(commit, valuesFile=VALUES, nodeCount="2", **IMAGES), kafkaPassword=CANARY)
    second = with_secrets(update(commit, valuesFile=VALUES, nodeCount="3", **IMAGES), kafkaPassword=f"{CANARY}-2")
    pulumi.made(first, {**second, "result": "failed"})
    pulumi.tagged("1")

    assert main(["history", "--json"]) == 0

    told = capsys.readouterr().out
    assert CANARY not in told
    latest, oldest = json.loads(told)
    assert latest["changed"] == {
        "settings": ["nodeCount"],
        "secrets": ["kafkaPassword"],
        "images": [],
        "values": False,
        "chart": False,
        "program": False,
    }
    assert latest["wayBack"] == {"possible": False, "reason": "it failed"}
    assert (latest["version"], latest["result"], latest["verified"]) == (2, "failed", False)
    assert oldest["wayBack"] == {"possible": True, "reason": ""}
    assert (oldest["commit"], oldest["verified"], oldest["images"]["backend"]) == (commit, True, IMAGES["backendImage"])
    assert oldest["resources"] == {"same": 30, "update": 2}


def test_without_the_passphrase_the_history_is_told_all_the_same(
    commit: str, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(update(commit), update(commit))
    pulumi.has_no_passphrase()

    assert main(["history"]) == 0

    assert len(capsys.readouterr().out.splitlines()) == 3


def test_the_author_is_the_commits_where_the_engine_did_not_note_one(commit: str, pulumi: PulumiCommand) -> None:
    worktree = update(commit)
    del worktree["environment"]["git.author"]
    pulumi.made(worktree)

    assert updates.read("oke")[0].author == "Ann"


@pytest.mark.usefixtures("commit")
@pytest.mark.parametrize("key", ["kafkaPassword", "note"])
def test_what_was_not_encrypted_by_mistake_is_hidden_as_well(pulumi: PulumiCommand, key: str) -> None:
    mistaken = update("")
    mistaken["config"][f"todo-oke:{key}"] = {"value": f"{CANARY}\nand more", "secret": False}
    pulumi.made(mistaken)

    made = updates.read("oke")[0]

    assert key in made.secrets
    assert CANARY not in str(made)


@pytest.mark.usefixtures("commit")
def test_a_secret_that_is_not_set_is_none(pulumi: PulumiCommand) -> None:
    made = update("")
    made["config"]["todo-oke:registryToken"] = {"value": "", "secret": False}
    pulumi.made(made)

    assert updates.read("oke")[0].secrets.keys() == {"kafkaPassword"}
