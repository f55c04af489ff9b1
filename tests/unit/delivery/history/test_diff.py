import json
from pathlib import Path
from typing import Any

import pytest

from delivery.__main__ import main
from tests.support.checkout import Checkout
from tests.support.pulumi_command import PulumiCommand, update, with_secrets

VALUES = "infra/helm/todo-app/values-oke.yaml"
CANARY = "canary-password"
IMAGES = {"frontendImage": "r.example/f:v1", "backendImage": f"r.example/b@sha256:{'1b' * 32}"}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    return Checkout(tmp_path / "project", monkeypatch)


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiCommand:
    return PulumiCommand(tmp_path / "engine", monkeypatch)


@pytest.fixture
def two(checkout: Checkout, pulumi: PulumiCommand) -> list[str]:
    """Two updates that differ in all that can; their commits."""
    template, program = "infra/helm/todo-app/templates/backend.yaml", "components/dapr.py"
    commits = [
        checkout.commit({VALUES: "a: 1\nreplicas: 1\n", template: "1", program: "1", "backend/app": "1"}),
        checkout.commit({VALUES: "a: 1\nreplicas: 2\n", template: "2", program: "2", "backend/app": "2"}),
    ]
    first = update(commits[0], valuesFile=VALUES, nodeCount="2", protect="true", **IMAGES)
    images = {**IMAGES, "backendImage": "r.example/b:v2"}
    second = update(commits[1], valuesFile=VALUES, nodeCount="3", protect="true", host="todo.example", **images)
    pulumi.made(
        with_secrets(first, kafkaPassword=CANARY, cohereApiKey="same", registryToken="any"),
        with_secrets(second, kafkaPassword=f"{CANARY}-2", cohereApiKey="same", databaseUrl="any"),
    )
    return commits


def test_what_differs_is_told_without_a_secret(two: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "1", "2"]) == 0

    before, after = (commit[:7] for commit in two)
    assert capsys.readouterr().out.splitlines() == [
        f"update 1 of 2025-11-24 02:31 (commit {before})  →  update 2 of 2025-11-24 02:31 (commit {after})",
        "settings",
        "  nodeCount: 2 → 3",
        f"  backendImage: {IMAGES['backendImage']} → r.example/b:v2",
        "  host: (not set) → todo.example",
        "secrets",
        "  kafkaPassword differs",
        "  registryToken differs",
        "  databaseUrl differs",
        "images",
        f"  backend: {IMAGES['backendImage']} → r.example/b:v2",
        "chart values",
        f"  --- {VALUES} (update 1)",
        f"  +++ {VALUES} (update 2)",
        "  @@ -1,2 +1,2 @@",
        "   a: 1",
        "  -replicas: 1",
        "  +replicas: 2",
        "chart",
        "  infra/helm/todo-app/templates/backend.yaml",
        "program",
        "  components/dapr.py",
        "commits",
        f"  + {after} …",
    ]


def test_the_other_way_the_commits_are_taken_back(two: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "2", "1"]) == 0

    assert capsys.readouterr().out.endswith(f"commits\n  - {two[1][:7]} …\n")


def test_the_same_for_a_program(two: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "--json", "1", "2"]) == 0

    told = capsys.readouterr().out
    assert CANARY not in told
    document: dict[str, Any] = json.loads(told)
    assert (document["from"], document["to"]) == (1, 2)
    assert document["settings"]["host"] == {"before": "", "after": "todo.example"}
    assert document["secrets"] == ["kafkaPassword", "registryToken", "databaseUrl"]
    assert document["images"] == {"backend": {"before": IMAGES["backendImage"], "after": "r.example/b:v2"}}
    assert document["program"] == ["components/dapr.py"]
    assert document["added"] == [f"{two[1][:7]} …"]
    assert "+replicas: 2" in document["values"]


def test_files_are_named_from_the_projects_folder(
    checkout: Checkout, pulumi: PulumiCommand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commits = [checkout.commit({"deploy/components/dapr.py": text, "components/other.py": text}) for text in "12"]
    monkeypatch.chdir("deploy")
    pulumi.made(*map(update, commits))

    assert main(["diff", "--json", "1", "2"]) == 0

    assert json.loads(capsys.readouterr().out)["program"] == ["components/dapr.py"]


def test_nothing_differs(two: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "1", "1"]) == 0

    assert capsys.readouterr().out.splitlines()[1:] == ["nothing differs"]
    assert two


def test_what_cannot_be_compared_is_told(
    checkout: Checkout, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    unclean = update(checkout.commit({VALUES: ""}))
    unclean["environment"]["git.dirty"] = "true"
    pulumi.made(update(""), with_secrets(unclean, kafkaPassword=CANARY))

    assert main(["diff", "1", "2"]) == 0

    assert capsys.readouterr().out.splitlines()[1:] == [
        "secrets",
        "  kafkaPassword may differ: the passphrase of today does not decrypt it",
        "not compared",
        "  the files of update 1, which was made outside of a git checkout",
        "  what update 2 had in files that no commit has",
    ]


@pytest.mark.usefixtures("two")
def test_an_update_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "1", "7"]) == 1

    assert "Stack oke has no update 7.\n    python -m delivery history" in capsys.readouterr().err
