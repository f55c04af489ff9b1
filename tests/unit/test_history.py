from pathlib import Path

import pytest

from delivery import updates
from delivery.__main__ import main

from .checkout import Checkout
from .pulumi_command import PulumiCommand, update

VALUES = "values.yaml"
IMAGES = {"frontendImage": f"ghcr.io/o/f:v1@sha256:{'1a' * 32}", "backendImage": "localhost:5000/o/b:v2"}


@pytest.fixture
def commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return Checkout(tmp_path / "project", monkeypatch).commit({VALUES: "replicas: 1\n"})


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiCommand:
    return PulumiCommand(tmp_path / "engine", monkeypatch)


def test_each_update_and_whether_one_can_go_back_to_it(
    commit: str, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    good = update(commit, imageSource="pinned", valuesFile=VALUES, **IMAGES)
    pulumi.made(update(""), good, {**good, "kind": "refresh"}, {**good, "result": "failed", "message": "B" * 99})
    pulumi.tagged("2")

    assert main(["history"]) == 0

    short = commit[:7]
    images = "frontend 1a1a1a1, backend v2"
    outside, refresh, failed = (
        "no: it was made outside of a git checkout",
        "no: it was a refresh, which released nothing",
        "no: it failed",
    )
    assert [[cell.strip() for cell in line.split("  ") if cell] for line in capsys.readouterr().out.splitlines()] == [
        ["version", "began (UTC)", "result", "commit", "author", "images", "message", "way back"],
        ["4", "2026-11-24 02:31", "failed", short, "Ann", "B" * 60, failed],
        ["3", "2026-11-24 02:31", "refresh succeeded", short, "Ann", "Lists can be shared", refresh],
        ["2", "2026-11-24 02:31", "verified", short, "Ann", images, "Lists can be shared", "yes"],
        ["1", "2026-11-24 02:31", "succeeded", "Lists can be shared", outside],
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
    assert capsys.readouterr().err.startswith("error: pulumi is not on PATH.\n    make tools")
