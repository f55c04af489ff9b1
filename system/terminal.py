"""The terminal that a command was started at."""

import sys
from typing import TextIO

from system.errors import UserError


def require_terminal(hint: str, *streams: TextIO) -> None:
    """Raise UserError where one of the streams, by default stdin, is no terminal; hint: a command that asks nothing."""
    if not all(stream.isatty() for stream in streams or [sys.stdin]):
        raise UserError(f"{'stdin or stdout' if streams else 'stdin'} is not a terminal, so nobody can be asked.", hint)
