"""A command that the user sees only when it fails."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import BootstrapError
from .progress import Say, show_end


def run(
    command: Sequence[str], say: Say, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> None:
    """Runs `command`, in `folder` and with `environment` where they are given.

    Raises BootstrapError where it fails, after the end of what it printed.
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
        show_end(answer.stdout, say)
        raise BootstrapError(f"`{' '.join(command[:4])} …` failed: mend what it says above, and run this again.")
