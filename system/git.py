"""Commits, and the files in them, as git knows them. Paths are relative to the project's folder."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from system import process
from system.errors import UserError

_LISTED = 3  # changed files in an error


@dataclass(frozen=True)
class Revision:
    """The commit that an image is built from."""

    commit: str  # its 40 hexadecimal digits
    time: int  # of the commit, in seconds since 1970

    @property
    def short(self) -> str:
        """The first 7 digits."""
        return self.commit[:7]


def revision(context: Path) -> Revision:
    """Return the last commit that touched a build context: a commit outside of it rebuilds and rolls nothing.

    Raises UserError where there is none, where the history may lack it, or where the folder differs from it.
    Source: https://git-scm.com/docs/git-log#_history_simplification
    """
    if _in(context, "rev-parse", "--is-shallow-repository") == "true":
        # In a workflow: fetch-depth: 0 for actions/checkout.
        raise UserError(
            f"The checkout is shallow, so the last commit to {context} may be missing from it.", "git fetch --unshallow"
        )
    last = _in(context, "log", "-1", "--no-show-signature", "--format=%H %ct", "--", ".")
    status = _in(context, "--no-optional-locks", "status", "--porcelain", "--untracked-files=all", "--", ".")
    if status or not last:
        changed = [line.split(maxsplit=1)[1] for line in status.splitlines()]
        more = ", …" if len(changed) > _LISTED else ""
        state = f"uncommitted changes ({', '.join(changed[:_LISTED])}{more})" if last else "no commit"
        raise UserError(
            f"{context} has {state}, and an image's tag names the commit that it is built from.",
            f"git add {context} && git commit",
        )
    files = _in(context, "ls-files", "-z", "--", ".").split("\0")
    if odd := [file for file in files if _has_unusual_mode(context / file)]:
        raise UserError(
            f"{context / odd[0]} has another mode than 644 or 755: modes are part of an image, so another umask would "
            "build another image from the same commit.",
            f"chmod -R u=rwX,go=rX {context}",
        )
    commit, time = last.split()
    return Revision(commit, int(time))


def has(commit: str) -> bool:
    """Return whether a commit is in this checkout. Raises UserError where git is missing, as all functions here do."""
    return output("cat-file", "-e", f"{commit}^{{commit}}") is not None


def show(commit: str, path: str) -> str | None:
    """Return the text of a file in a commit, or None where the commit lacks it."""
    return output("show", f"{commit}:./{path}")


def files(commit: str, folder: str) -> Sequence[str]:
    """Return the paths of all files under a folder in a commit."""
    return (output("ls-tree", "-r", "--name-only", commit, "--", folder) or "").splitlines()


def changed_files(before: str, after: str, *paths: str) -> Sequence[str]:
    """Return the files under some paths that differ between two commits."""
    return (output("diff", "--name-only", "--relative", before, after, "--", *paths) or "").splitlines()


def log(before: str, after: str) -> Sequence[str]:
    """Return the commits after one up to another, newest first, a line each."""
    flags = ("--oneline", "--no-color", "--no-decorate", "--no-show-signature")
    return (output("log", *flags, f"{before}..{after}") or "").splitlines()


def last_touching(commit: str, path: str) -> str | None:
    """Return the last commit, up to one, that touched a path."""
    return (output("log", "-1", "--no-show-signature", "--format=%H", commit, "--", path) or "").strip() or None


def author(commit: str) -> str | None:
    """Return the author of a commit, or None where this checkout lacks it."""
    return (output("log", "-1", "--no-show-signature", "--format=%an", commit) or "").strip() or None


def is_ancestor(commit: str, later: str) -> bool:
    """Return whether a commit is in the history of a later one; False where this checkout lacks either."""
    return output("merge-base", "--is-ancestor", commit, later) is not None


def output(*arguments: str) -> str | None:
    """Return what a git command prints, or None where it fails."""
    done = process.run(["git", *arguments], os.environ, seconds=None)
    return done.output if done.code == 0 else None


def _in(folder: Path, *arguments: str) -> str:
    done = process.run(["git", "-C", str(folder), *arguments], os.environ, seconds=None)
    if done.code:
        raise UserError(f"git found no commit of {folder}: {done.errors.strip()}")
    return done.output.strip()


def _has_unusual_mode(path: Path) -> bool:
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) and stat.S_IMODE(mode) not in (0o644, 0o755)
