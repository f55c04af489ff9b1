"""The commands that mend a stack: they are let finish, and heard of where they fail."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from delivery import CommandError

# What a child has no use for that only talks to the cluster.
_KEPT_BACK = ("PULUMI_", "AWS_", "DELIVERY_GITHUB_TOKEN")


def pulumi(command: Sequence[str]) -> None:
    """Runs a command of the engine. Raises CommandError with what it said."""
    _run([*command, "--non-interactive", "--color", "never"], os.environ)


def helm(command: Sequence[str], kubeconfig: str) -> None:
    """Runs a command of Helm on the cluster of a kubeconfig's file. Raises CommandError with what it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_KEPT_BACK)}
    _run(command, {**environment, "KUBECONFIG": kubeconfig})


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    # Ctrl-C is for the command, which ends in good order: to be killed in the middle is what brought the stack here.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise CommandError(
            f"{command[0]} is not on PATH.\n    make tools && export PATH=$PWD/.tools/bin:$PATH"
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)
    if done.returncode != 0:
        said = "\n".join(text.strip() for text in (done.stdout, done.stderr) if text.strip())
        raise CommandError(f"`{' '.join(command)}` failed:\n{said}")
