"""Run a command and show its output only when it fails."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from system.errors import UserError

from .progress import Echo, show_end


def run(
    command: Sequence[str], echo: Echo, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> None:
    """Run `command` in `folder`, or here, with `environment`, or this process's.

    Raises UserError where it fails, after showing the end of its output.
    """
    answer = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if answer.returncode != 0:
        show_end(answer.stdout, echo)
        raise UserError(f"`{' '.join(command[:4])}` failed with exit code {answer.returncode}, for the reason above.")
