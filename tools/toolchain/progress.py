"""What the user sees while the bootstrap works."""

import time
from collections.abc import Callable

_LINES_OF_A_FAILURE = 15

Say = Callable[[str], None]
"""Shows one line."""


def duration(seconds: float) -> str:
    """A duration as people say it."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def elapsed(started: float) -> str:
    """The time since `started` (of time.monotonic), as people say it."""
    return duration(time.monotonic() - started)


def show_end(output: str, say: Say) -> None:
    """Shows the end of a failed command's output, where the reason is."""
    for line in output.splitlines()[-_LINES_OF_A_FAILURE:]:
        say(f"  {line}")
