"""The progress of a verification: a live table on a terminal, a line for each change anywhere else."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from delivery.report import Check
from delivery.verify.loop import Progress


@contextmanager
def shown(
    stream: TextIO, environment: Mapping[str, str], clock: Callable[[], float] = time.monotonic
) -> Generator[Progress]:
    """Show progress on a stream until the block ends; a table leaves nothing behind."""
    console = Console(file=stream)
    if environment.get("CI") or not console.is_terminal or console.is_dumb_terminal:
        yield _Lines(stream)
        return
    table = _LiveTable(clock)
    with Live(table, console=console, transient=True, refresh_per_second=8):
        yield table


class _Lines:
    """The failing checks, each time that they change."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last: str | None = None

    def show(self, checks: Sequence[Check]) -> None:
        failing = [f"{check.name}: {check.evidence}" for check in checks if check.state == "failed"]
        if failing:
            self.echo(f"waiting for {'; '.join(failing)}")

    def echo(self, problem: str) -> None:
        if problem != self._last:
            self._stream.write(f"{problem}\n")
            self._stream.flush()
            self._last = problem


class _LiveTable:
    """Each check with a spinner until it passes, and the seconds that it took."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._checks: Sequence[Check] = []
        self._since: dict[str, float] = {}
        self._passed: dict[str, float] = {}
        self._spinner = Spinner("dots", style="yellow")
        self._problem = ""

    def show(self, checks: Sequence[Check]) -> None:
        now = self._clock()
        # A check that appears later counts from then on; one that fails again goes on counting.
        first = now if self._checks else self._began
        self._since = {check.name: self._since.get(check.name, first) for check in checks}
        self._passed = {check.name: self._passed.get(check.name, now) for check in checks if check.state == "passed"}
        self._checks, self._problem = checks, ""

    def echo(self, problem: str) -> None:
        self._problem = problem

    def __rich__(self) -> Table:
        """Return the table at this moment, at each refresh of rich."""
        table = Table(box=None, show_header=False, pad_edge=False, expand=True)
        table.caption, table.caption_justify = Text(self._problem, style="yellow"), "left"
        table.add_column(width=1)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for check in self._checks:
            table.add_row(self._mark(check), check.name, self._seconds(check), Text(_detail(check), style="dim"))
        if not self._checks:
            table.add_row(self._spinner, "reading the cluster", _elapsed(self._began, self._clock()), "")
        return table

    def _mark(self, check: Check) -> Spinner | Text:
        match check.state:
            case "passed":
                return Text("✓", style="green")
            case "not applicable":
                return Text("-", style="dim")
            case _:
                return Text("✗", style="red") if check.causes else self._spinner

    def _seconds(self, check: Check) -> str:
        if check.state == "not applicable":
            return ""
        return _elapsed(self._since[check.name], self._passed.get(check.name, self._clock()))


def _elapsed(since: float, until: float) -> str:
    return f"{until - since:.0f} s"


def _detail(check: Check) -> str:
    return check.causes[0] if check.causes and check.state == "failed" else check.evidence
