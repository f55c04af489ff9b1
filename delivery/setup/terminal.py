"""Questions at a terminal."""

import getpass
import sys
import warnings
from typing import Protocol

from system.errors import UserError
from system.terminal import require_terminal


class Terminal(Protocol):
    """A terminal. Questions raise KeyboardInterrupt or EOFError where the user stops."""

    def echo(self, text: str) -> None:
        """Print a text and end its line."""
        ...

    def ask(self, question: str) -> str:
        """Return the answer, stripped."""
        ...

    def ask_hidden(self, question: str) -> str:
        """Return the answer as typed, without echoing it."""
        ...


class Console:
    """The terminal of the command. Raises UserError without one."""

    def __init__(self, stack: str) -> None:
        require_terminal(f"python -m delivery doctor --stack {stack}", sys.stdin, sys.stdout)

    def echo(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")

    def ask(self, question: str) -> str:
        return input(f"{question} ").strip()

    def ask_hidden(self, question: str) -> str:
        with warnings.catch_warnings():
            # Otherwise getpass falls back to showing what is typed.
            warnings.simplefilter("error", getpass.GetPassWarning)
            try:
                return getpass.getpass(f"{question} ")
            except getpass.GetPassWarning:
                raise UserError("This terminal cannot hide what is typed; run setup in another one.") from None
