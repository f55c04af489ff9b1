"""A commit's own program, ready to run: in a git worktree, with the packages that the commit locks."""

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
def program_of(commit: str, folder: Path, tell: Callable[[str], None]) -> Generator[Program]:
    """The program of a commit in a new worktree, which is gone after the block, whatever ends that.

    folder: the worktree's. tell: is told what takes long.

    Raises UserError where the worktree or its packages cannot be had.
    """
    _remove(folder)  # that of a run which was killed
    tell(f"      checking out commit {commit[:7]} beside this checkout, with the packages that it locks")
    try:
        # Without this repository's hooks: those are for a person's checkouts.
        if git.output("-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", str(folder), commit) is None:
            raise UserError(f"git cannot check out commit {commit[:7]}.\n    git worktree add {folder} {commit}")
        project = folder / (git.output("rev-parse", "--show-prefix") or "").strip()
        _provide(project)
        own = project.resolve()
        yield Program(own, (own / ".tools/bin", own / ".venv/bin"))
    finally:
        _remove(folder)


def _provide(project: Path) -> None:
    """Installs what a commit's program runs on, in the way in which this checkout was provided.

    Raises UserError where that fails; what it prints is shown.
    """
    command: Sequence[str] = ["pulumi", "install"]
    if Path(".tools").exists():
        if not (project / _BOOTSTRAP).exists():
            raise UserError(
                f"That commit has no {_BOOTSTRAP}, so its packages are not known.\n    git log {_BOOTSTRAP}"
            )
        command = [sys.executable, str(_BOOTSTRAP)]
    # It runs code of packages, which need none of the secrets that the update needs.
    done = subprocess.run(command, cwd=project, env=process.environment_for(None, os.environ), check=False)
    if done.returncode != 0:
        raise UserError("The packages of that commit could not be installed, and nothing was changed; above is why.")


def _remove(folder: Path) -> None:
    git.output("worktree", "remove", "--force", "--force", str(folder))
    git.output("worktree", "prune")
