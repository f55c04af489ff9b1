"""A conversation with the user at a terminal."""

import getpass
import sys
import warnings
from typing import Protocol

from system.errors import UserError


class Terminal(Protocol):
    """Who is asked, and told. Both ways to ask raise KeyboardInterrupt or EOFError where the user stops."""

    def say(self, text: str) -> None:
        """Shows a text and ends its line."""
        ...

    def ask(self, question: str) -> str:
        """An answer, without the white space around it."""
        ...

    def ask_unseen(self, question: str) -> str:
        """An answer that is not shown while it is typed, as it is."""
        ...


class Console:
    """The terminal that the command was started at. Raises UserError where it was started at none."""

    def __init__(self) -> None:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UserError(
                "This command asks questions, and there is no terminal to ask at.\n"
                "    python -m delivery doctor   checks the same without asking"
            )

    def say(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")

    def ask(self, question: str) -> str:
        return input(f"{question} ").strip()

    def ask_unseen(self, question: str) -> str:
        with warnings.catch_warnings():
            # Its other way is to show what is typed.
            warnings.simplefilter("error", getpass.GetPassWarning)
            try:
                return getpass.getpass(f"{question} ")
            except getpass.GetPassWarning:
                raise UserError(
                    "This terminal cannot hide what is typed.\n    python -m delivery setup   in another terminal"
                ) from None
