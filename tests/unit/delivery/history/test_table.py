import json

import pytest

from delivery.__main__ import main
from delivery.history import table
from tests.support.checkout import Checkout
from tests.support.pulumi_command import PulumiCommand, update, with_secrets

VALUES = "values.yaml"
CANARY = "canary-password"
IMAGES = {"frontendImage": f"ghcr.io/o/f:v1@sha256:{'1a' * 32}", "backendImage": "localhost:5000/o/b:v2"}


def test_each_update_is_a_line(commit: str, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    good = update(commit, imageSource="pinned", valuesFile=VALUES, **IMAGES)
    refresh = {**good, "kind": "refresh", "resourceChanges": {"same": 32}}
    pulumi.made(update(""), good, refresh, {**good, "result": "failed", "message": "B" * 99})
    pulumi.tagged("2")

    assert main(["history"]) == 0

    _, *lines = capsys.readouterr().out.splitlines()
    images = "frontend 1a1a1a1, backend v2"
    assert [[cell.strip() for cell in line.split("  ") if cell][2:-1] for line in lines] == [
        ["failed", commit[:7], "Ann", "(2 updated)", images, "B" * 72],
        ["refresh succeeded", commit[:7], "Ann", "nothing", images, "Lists can be shared"],
        [
            *("verified", commit[:7], "Ann", "frontend image, backend image, chart values, imageSource (2 updated)"),
            *(images, "Lists can be shared"),
        ],
        ["succeeded", "(2 updated)", "Lists can be shared"],
    ]
    assert [line.rpartition("  ")[2].partition(" ")[0] for line in lines] == ["no:", "no:", "yes", "no:"]


def test_count_limits_the_lines(commit: str, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.made(*[update(commit)] * 12)

    main(["history"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [*map(str, range(12, 2, -1))]
    main(["history", "--count", "1"])
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.usefixtures("commit")
def test_stack_without_updates_is_an_error(pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.made()

    assert main(["history"]) == 1
    assert capsys.readouterr().err.endswith("hint: pulumi up --stack oke\n")


def test_missing_engine_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert main(["history"]) == 1
    assert "error: pulumi is not on PATH" in capsys.readouterr().err


def test_changes_of_an_update_are_summed_up(commit: str, pulumi: PulumiCommand, checkout: Checkout) -> None:
    later = checkout.commit({VALUES: "replicas: 2\n", "components/app.py": "x", "infra/helm/t.yaml": "x"})
    first = with_secrets(update(commit, valuesFile=VALUES, nodeCount="2", **IMAGES), kafkaPassword=CANARY)
    images = {**IMAGES, "backendImage": "localhost:5000/o/b:v3"}
    second = with_secrets(
        update(later, valuesFile=VALUES, nodeCount="3", host="a", context="b", **images), kafkaPassword=f"{CANARY}-2"
    )
    second["resourceChanges"] = {"same": 1, "create": 1, "update": 2, "replace": 3, "delete": 4}
    pulumi.made(first, second, second)

    counts = "(1 created, 2 updated, 3 replaced, 4 deleted)"
    changed = f"backend image, chart values, 3 settings, kafkaPassword, chart, program {counts}"
    assert [entry.changed for entry in table.read("oke", 3)] == [counts, changed, "(2 updated)"]
    assert table.read("oke", 2)[1].changed == changed


def test_history_as_json_names_secrets_only(
    commit: str, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    first = with_secrets(update(commit, valuesFile=VALUES, nodeCount="2", **IMAGES), kafkaPassword=CANARY)
    second = with_secrets(update(commit, valuesFile=VALUES, nodeCount="3", **IMAGES), kafkaPassword=f"{CANARY}-2")
    pulumi.made(first, {**second, "result": "failed"})
    pulumi.tagged("1")

    assert main(["history", "--json"]) == 0

    printed = capsys.readouterr().out
    assert CANARY not in printed
    latest, oldest = json.loads(printed)
    assert {key: value for key, value in latest["changed"].items() if value} == {
        "settings": ["nodeCount"],
        "secrets": ["kafkaPassword"],
    }
    assert (latest["version"], latest["verified"]) == (2, False)
    assert latest["rollback"] == {"possible": False, "reason": "it failed"}
    assert (oldest["commit"], oldest["verified"], oldest["images"]["backend"]) == (commit, True, IMAGES["backendImage"])
    assert oldest["rollback"] == {"possible": True, "reason": None}


def test_history_needs_no_passphrase(commit: str, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.made(update(commit), update(commit))
    pulumi.has_no_passphrase()

    assert main(["history"]) == 0

    assert len(capsys.readouterr().out.splitlines()) == 3
