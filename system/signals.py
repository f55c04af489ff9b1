"""Signals that end a command."""

import signal
from collections.abc import Generator, Sequence
from contextlib import contextmanager


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: handled wherever Ctrl-C is, with another exit code."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def handle_termination() -> None:
    """Raise Terminated on SIGTERM and SIGHUP, so that a command cleans up as it does on Ctrl-C.

    A signal that the parent process ignores stays ignored: SIGHUP under nohup. Python does the same for SIGINT, which a
    shell ignores in its background jobs.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _terminate)


@contextmanager
def deferred(*numbers: signal.Signals) -> Generator[Sequence[int]]:
    """Handle signals after the block, and yield those received so far, as the list grows. Ignored ones stay ignored."""
    received: list[int] = []
    handled = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    handlers = {number: signal.signal(number, lambda number, _frame: received.append(number)) for number in handled}
    try:
        yield received
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in received:
            signal.raise_signal(number)


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """Return a shell's exit code of a command that a signal ended: 128 and the number."""
    return 128 + (interrupt.number if isinstance(interrupt, Terminated) else signal.SIGINT)


def _terminate(number: int, _frame: object) -> None:
    raise Terminated(number)
