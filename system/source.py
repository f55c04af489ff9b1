"""What git says of an image's context: the commit that its tag, its labels and its times are of."""

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from system.errors import UserError
from system.process import run

# Of the files that differ from the commit.
_NAMED = 3
_WITHOUT_A_BUILD = "    pulumi config set imageSource registry      to release images that are in the registry"


@dataclass(frozen=True)
class Revision:
    """A commit.

    commit: its 40 hexadecimal digits; time: when it was committed, in seconds since 1970.
    """

    commit: str
    time: int

    @property
    def short(self) -> str:
        """The first 7 of its digits."""
        return self.commit[:7]


def revision(context: Path) -> Revision:
    """The last commit that touched a folder: one that touches only what is outside of it rebuilds and rolls nothing.

    Raises UserError where there is none, where the history may lack it, or where the folder is not as committed.
    Source: https://git-scm.com/docs/git-log#_history_simplification
    """
    if shutil.which("git") is None:
        raise UserError(
            "git is not on PATH, and it knows which commit an image is built from.\n"
            "    https://git-scm.com/downloads                 where to get it\n"
            f"{_WITHOUT_A_BUILD}"
        )
    if _git(context, "rev-parse", "--is-shallow-repository") == "true":
        raise UserError(
            f"The checkout is shallow, so that the last commit to {context} may be missing from it.\n"
            "    git fetch --unshallow    in a workflow: fetch-depth: 0 for actions/checkout"
        )
    last = _git(context, "log", "-1", "--no-show-signature", "--format=%H %ct", "--", ".")
    status = _git(context, "--no-optional-locks", "status", "--porcelain", "--untracked-files=all", "--", ".")
    if status or not last:
        changed = [line.split(maxsplit=1)[1] for line in status.splitlines()]
        more = ", …" if len(changed) > _NAMED else ""
        lacks = f"changes that no commit has ({', '.join(changed[:_NAMED])}{more})" if last else "no commit"
        raise UserError(
            f"{context} has {lacks}, and an image's tag names the commit that it is built from.\n"
            f"    git add {context} && git commit\n"
            f"{_WITHOUT_A_BUILD}"
        )
    if odd := [file for file in _git(context, "ls-files", "-z", "--", ".").split("\0") if _is_odd(context / file)]:
        raise UserError(
            f"{context / odd[0]} has another mode than 644 or 755, and modes are part of an image: on a machine with "
            "another umask the same commit would be another one.\n"
            f"    chmod -R u=rwX,go=rX {context}"
        )
    commit, time = last.split()
    return Revision(commit, int(time))


def _is_odd(path: Path) -> bool:
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) and stat.S_IMODE(mode) not in (0o644, 0o755)


def _git(context: Path, *arguments: str) -> str:
    done = run(["git", "-C", str(context), *arguments], os.environ, seconds=None)
    if done.code:
        raise UserError(
            f"git cannot tell which commit {context} is at: {done.errors.strip()}\n"
            "    git clone URL                                 to work in a checkout\n"
            f"{_WITHOUT_A_BUILD}"
        )
    return done.output.strip()
