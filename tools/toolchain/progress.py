"""Progress output."""

import time
from collections.abc import Callable

_LINES_OF_A_FAILURE = 15

Echo = Callable[[str], None]
"""Prints a line."""


def duration(seconds: float) -> str:
    """Return a duration such as "2 min 3 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def elapsed(started: float) -> str:
    """Return the duration since `started`, a time of time.monotonic."""
    return duration(time.monotonic() - started)


def show_end(output: str, echo: Echo) -> None:
    """Show the end of a failed command's output."""
    for line in output.splitlines()[-_LINES_OF_A_FAILURE:]:
        echo(f"  {line}")
