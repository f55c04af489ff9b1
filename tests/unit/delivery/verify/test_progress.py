import io
import re
from collections.abc import Mapping

import pytest
from rich.console import Console

from delivery.report import Check
from delivery.verify.progress import shown
from tests.support.terminal import Terminal

FRONTEND = Check("rollout of frontend", "passed", "of 2 replicas: 2 ready")
SIMULATED = Check("GET /", "not applicable", "nothing listens")
WAITS = Check("rollout of backend", "failed", "of 2 replicas: 1 ready")
CRASHED = Check("rollout of backend", "failed", "of 2 replicas: 1 ready", ["backend [a-b] crashed", "more"])
READY = Check("rollout of backend", "passed", "of 2 replicas: 2 ready")
STEADY = Check("steadiness", "failed", "for 10 seconds")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that is 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def test_terminal_shows_a_table_with_the_seconds_of_each_check() -> None:
    terminal, now = Terminal(), [0.0]
    pictures: list[list[str]] = []
    with shown(terminal, {}, lambda: now[0]) as progress:
        for at, checks in [
            (3.0, [FRONTEND, WAITS, SIMULATED]),
            (7.0, [FRONTEND, CRASHED, SIMULATED]),
            (9.0, [FRONTEND, READY, SIMULATED, STEADY]),
        ]:
            now[0] = at
            progress.show(checks)
            now[0] = at + 1
            pictures.append(picture(progress))
    assert pictures[0] == [
        "✓  rollout of frontend  3 s  of 2 replicas: 2 ready",
        "*  rollout of backend   4 s  of 2 replicas: 1 ready",
        "-  GET /                     nothing listens",
    ]
    assert pictures[1][1] == "✗  rollout of backend   8 s  backend [a-b] crashed"
    assert pictures[2][1:] == [
        "✓  rollout of backend   9 s  of 2 replicas: 2 ready",
        "-  GET /                     nothing listens",
        "*  steadiness           1 s  for 10 seconds",
    ]
    assert terminal.getvalue().endswith("\x1b[2K")  # the table leaves nothing behind


def picture(progress: object) -> list[str]:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(progress)
    assert isinstance(console.file, io.StringIO)
    return [re.sub("^[⠀-⣿]", "*", line.rstrip()) for line in console.file.getvalue().splitlines() if line.strip()]


def test_table_shows_an_outage_until_there_are_results_again() -> None:
    with shown(Terminal(), {}) as progress:
        assert len(picture(progress)) == 1
        progress.show([FRONTEND])
        progress.echo("The cluster is unreachable: [a-b] no route")
        assert picture(progress)[1:] == ["The cluster is unreachable: [a-b] no route"]
        progress.show([FRONTEND])
        assert len(picture(progress)) == 1


@pytest.mark.parametrize(
    ("stream", "environment", "term"),
    [(io.StringIO(), {}, "xterm"), (Terminal(), {"CI": "true"}, "xterm"), (Terminal(), {}, "dumb")],
    ids=["file", "CI", "dumb"],
)
def test_other_streams_get_a_line_for_each_change(
    stream: io.StringIO, environment: Mapping[str, str], term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    with shown(stream, environment) as progress:
        progress.show([FRONTEND, WAITS, STEADY])
        progress.show([FRONTEND, WAITS, STEADY])
        progress.echo("The cluster is unreachable")
        progress.show([FRONTEND, WAITS])
        progress.show([FRONTEND, READY])

    assert stream.getvalue() == (
        "waiting for rollout of backend: of 2 replicas: 1 ready; steadiness: for 10 seconds\n"
        "The cluster is unreachable\n"
        "waiting for rollout of backend: of 2 replicas: 1 ready\n"
    )
