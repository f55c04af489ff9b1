"""The terminal that a command was started at."""

import sys

from system.errors import UserError


def require_stdin(hint: str) -> None:
    """Raise UserError where nobody can answer a question; hint: the command that asks none."""
    if not sys.stdin.isatty():
        raise UserError("stdin is not a terminal, so nobody can confirm.", hint)
