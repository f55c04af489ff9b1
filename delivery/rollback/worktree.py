"""The program of a past commit, in a git worktree, with the packages that the commit locks."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from delivery.engine.stack import Program
from system import git, process
from system.errors import UserError

_BOOTSTRAP = Path("tools/bootstrap.py")


@contextmanager
def program_of(commit: str, folder: Path, echo: Callable[[str], None]) -> Generator[Program]:
    """Create a worktree of a commit in a folder, for the time of the block, and return its program.

    Raises UserError where git cannot check it out, or its packages cannot be installed.
    """
    _remove(folder)  # of a run that was killed
    echo(f"      checking out commit {commit[:7]} beside this checkout, with the packages that it locks")
    try:
        # Without this repository's hooks, which are for a person's checkouts.
        if git.output("-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", str(folder), commit) is None:
            raise UserError(f"git cannot check out commit {commit[:7]}.", f"git worktree add {folder} {commit}")
        project = folder / (git.output("rev-parse", "--show-prefix") or "").strip()
        _install(project)
        own = project.resolve()
        yield Program(own, (own / ".tools/bin", own / ".venv/bin"))
    finally:
        _remove(folder)


def _install(project: Path) -> None:
    """Install the packages of a commit's program, as this checkout's were. The installer's output is shown."""
    command: Sequence[str] = ["pulumi", "install"]
    if Path(".tools").exists():
        if not (project / _BOOTSTRAP).exists():
            raise UserError(
                f"The commit has no {_BOOTSTRAP}, which installs its packages here.", f"git log -- {_BOOTSTRAP}"
            )
        command = [sys.executable, str(_BOOTSTRAP)]
    # It runs the packages' code, which needs none of the update's secrets.
    done = subprocess.run(command, cwd=project, env=process.environment_for(None, os.environ), check=False)
    if done.returncode != 0:
        raise UserError("The packages of the commit cannot be installed, as shown above, and nothing was changed.")


def _remove(folder: Path) -> None:
    git.output("worktree", "remove", "--force", "--force", str(folder))
    git.output("worktree", "prune")
