import io
import re
from collections.abc import Mapping

import pytest
from rich.console import Console

from delivery.report import Check
from delivery.verify.progress import shown

FRONTEND = Check("rollout of frontend", "passed", "of 2 replicas: 2 ready")
SIMULATED = Check("GET /", "not applicable", "nothing listens")
WAITS = Check("rollout of backend", "failed", "of 2 replicas: 1 ready")
CRASHED = Check("rollout of backend", "failed", "of 2 replicas: 1 ready", ["backend [a-b] crashed", "more"])
READY = Check("rollout of backend", "passed", "of 2 replicas: 2 ready")
STEADY = Check("steadiness", "failed", "to run on")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time on the clock, of an 80 columns wide terminal."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    clock = [0.0]
    monkeypatch.setattr("delivery.verify.progress.time.monotonic", lambda: clock[0])
    return clock


def test_a_terminal_shows_a_table_with_what_each_check_took(seconds: list[float]) -> None:
    terminal = Terminal()
    pictures: list[list[str]] = []
    with shown(terminal, {}) as progress:
        for at, checks in [
            (3.0, [FRONTEND, WAITS, SIMULATED]),
            (7.0, [FRONTEND, CRASHED, SIMULATED]),
            (9.0, [FRONTEND, READY, SIMULATED, STEADY]),
        ]:
            seconds[0] = at
            progress.show(checks)
            seconds[0] = at + 1
            pictures.append(picture(progress))
    assert pictures[0] == [
        "✓  rollout of frontend  3 s  of 2 replicas: 2 ready",
        "*  rollout of backend   4 s  of 2 replicas: 1 ready",
        "-  GET /                     nothing listens",
    ]
    assert pictures[1][1] == "✗  rollout of backend   8 s  backend [a-b] crashed"
    assert pictures[2] == [
        "✓  rollout of frontend  3 s  of 2 replicas: 2 ready",
        "✓  rollout of backend   9 s  of 2 replicas: 2 ready",
        "-  GET /                     nothing listens",
        "*  steadiness           1 s  to run on",
    ]
    assert "rollout of frontend" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")  # nothing is left of it


def picture(progress: object) -> list[str]:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(progress)
    assert isinstance(console.file, io.StringIO)
    return [re.sub("^[⠀-⣿]", "*", line.rstrip()) for line in console.file.getvalue().splitlines() if line.strip()]


@pytest.mark.usefixtures("seconds")
def test_a_table_says_why_there_is_nothing_new_to_see() -> None:
    with shown(Terminal(), {}) as progress:
        assert picture(progress) == ["*  looking at the cluster  0 s"]
        progress.show([FRONTEND])
        progress.say("The cluster does not answer: [a-b] no route")
        assert picture(progress)[1:] == ["The cluster does not answer: [a-b] no route"]
        progress.show([FRONTEND])
        assert len(picture(progress)) == 1


@pytest.mark.parametrize(
    ("stream", "environment", "term"),
    [(io.StringIO(), {}, "xterm"), (Terminal(), {"CI": "true"}, "xterm"), (Terminal(), {}, "dumb")],
    ids=["file", "CI", "dumb"],
)
def test_anything_else_gets_a_line_for_each_change(
    stream: io.StringIO, environment: Mapping[str, str], term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    with shown(stream, environment) as progress:
        progress.show([FRONTEND, WAITS, STEADY])
        progress.show([FRONTEND, WAITS, STEADY])
        progress.say("The cluster does not answer")
        progress.show([FRONTEND, WAITS])
        progress.show([FRONTEND, READY])

    assert stream.getvalue() == (
        "waiting for rollout of backend: of 2 replicas: 1 ready; steadiness: to run on\n"
        "The cluster does not answer\n"
        "waiting for rollout of backend: of 2 replicas: 1 ready\n"
    )
