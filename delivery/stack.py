"""What the engine knows of a stack, asked of the `pulumi` command."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from delivery import CommandError


def outputs(stack: str) -> Mapping[str, Any]:
    """The outputs of a stack, the secret ones as the engine masks them. Raises CommandError."""
    return json.loads(_pulumi("stack", "output", "--json", "--stack", stack))


def secret_output(stack: str, name: str) -> str:
    """One secret output, in plain text: not to be printed. Raises CommandError."""
    return _pulumi("stack", "output", name, "--show-secrets", "--stack", stack)


def _pulumi(*arguments: str) -> str:
    command = ["pulumi", *arguments, "--non-interactive"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CommandError("pulumi is not on PATH.\n    make tools && export PATH=$PWD/.tools/bin:$PATH") from None
    if done.returncode != 0:
        raise CommandError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()}")
    return done.stdout
