"""A verification while it goes on: a live table on a terminal, a line for each change anywhere else."""

import time
from collections.abc import Generator, Mapping, Sequence
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
def shown(stream: TextIO, environment: Mapping[str, str]) -> Generator[Progress]:
    """Shows a verification on the stream until the block is done; a table leaves nothing behind."""
    console = Console(file=stream)
    if environment.get("CI") or not console.is_terminal or console.is_dumb_terminal:
        yield _Lines(stream)
        return
    table = _LiveTable()
    with Live(table, console=console, transient=True, refresh_per_second=8):
        yield table


class _Lines:
    """What is still awaited, each time that this changes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said = ""

    def show(self, checks: Sequence[Check]) -> None:
        awaited = [f"{check.name}: {check.evidence}" for check in checks if check.state == "failed"]
        if awaited:
            self.say(f"waiting for {'; '.join(awaited)}")

    def say(self, trouble: str) -> None:
        if trouble != self._said:
            self._stream.write(f"{trouble}\n")
            self._stream.flush()
            self._said = trouble


class _LiveTable:
    """Each check with a spinner until it passes, and the seconds that it took."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._checks: Sequence[Check] = []
        self._since: dict[str, float] = {}
        self._passed: dict[str, float] = {}
        self._spinner = Spinner("dots", style="yellow")
        self._trouble = ""

    def show(self, checks: Sequence[Check]) -> None:
        now = time.monotonic()
        # One that comes later is awaited since then, and one that fails again takes longer.
        first = now if self._checks else self._began
        self._since = {check.name: self._since.get(check.name, first) for check in checks}
        self._passed = {check.name: self._passed.get(check.name, now) for check in checks if check.state == "passed"}
        self._checks, self._trouble = checks, ""

    def say(self, trouble: str) -> None:
        self._trouble = trouble

    def __rich__(self) -> Table:
        """The table as it is now: rich asks for it at each refresh."""
        table = Table(box=None, show_header=False, pad_edge=False, expand=True)
        table.caption, table.caption_justify = Text(self._trouble, style="yellow"), "left"
        table.add_column(width=1)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for check in self._checks:
            table.add_row(self._mark(check), check.name, self._seconds(check), Text(_line(check), style="dim"))
        if not self._checks:
            table.add_row(self._spinner, "looking at the cluster", _elapsed(self._began, time.monotonic()), "")
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
        return _elapsed(self._since[check.name], self._passed.get(check.name, time.monotonic()))


def _elapsed(since: float, until: float) -> str:
    return f"{until - since:.0f} s"


def _line(check: Check) -> str:
    """What is in the way, where that is known, else the evidence."""
    return check.causes[0] if check.causes and check.state == "failed" else check.evidence
