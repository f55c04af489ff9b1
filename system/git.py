"""What git knows of the commits that updates were made from. All paths are those from the project's folder."""

import os
from collections.abc import Sequence

from system import process


def has(commit: str) -> bool:
    """Whether a commit is in this checkout. Raises UserError where there is no git, as all functions here."""
    return ask("cat-file", "-e", f"{commit}^{{commit}}") is not None


def show(commit: str, path: str) -> str | None:
    """The text of a file as it is in a commit, or None where that has none."""
    return ask("show", f"{commit}:./{path}")


def files(commit: str, folder: str) -> Sequence[str]:
    """The paths of all files under a folder in a commit."""
    return (ask("ls-tree", "-r", "--name-only", commit, "--", folder) or "").splitlines()


def changed_files(before: str, after: str, *paths: str) -> Sequence[str]:
    """The files under some paths, or under the project's folder, that differ between two commits."""
    return (ask("diff", "--name-only", "--relative", before, after, "--", *(paths or ("."))) or "").splitlines()


def log(before: str, after: str) -> Sequence[str]:
    """The commits that lead from one to another, the newest first, a line each."""
    told = ask("log", "--oneline", "--no-color", "--no-decorate", "--no-show-signature", f"{before}..{after}")
    return (told or "").splitlines()


def last_touching(commit: str, path: str) -> str:
    """The last commit up to one that touched a path; empty where none did."""
    return (ask("log", "-1", "--no-show-signature", "--format=%H", commit, "--", path) or "").strip()


def author(commit: str) -> str:
    """Who wrote a commit; empty where it is not in this checkout."""
    return (ask("log", "-1", "--no-show-signature", "--format=%an", commit) or "").strip() if commit else ""


def is_ancestor(commit: str, later: str) -> bool:
    """Whether a commit is in the history of a later one; not where either is not in this checkout."""
    return ask("merge-base", "--is-ancestor", commit, later) is not None


def ask(*arguments: str) -> str | None:
    """What a command of git prints, or None where it fails."""
    done = process.run(["git", *arguments], os.environ, seconds=None)
    return done.output if done.code == 0 else None
