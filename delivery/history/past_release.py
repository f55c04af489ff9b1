"""The app of an earlier update, found again: its images in the stack's history, its chart values in git."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from delivery.engine import stack
from delivery.history.updates import Update
from settings.names import APPS
from system import git
from system.errors import UserError

# Where a rollback puts what it needs for the time of its update. The path of the values is how the history knows of
# which commit they are.
FOLDER = Path(".local/rollback")
_VALUES = re.compile(rf"{re.escape(str(FOLDER))}/(?P<commit>[0-9a-f]{{40}})/(?P<path>.+)")


class UnreachableError(UserError):
    """An update that one cannot go back to; reason: why, as one clause."""

    def __init__(self, update: Update, reason: str, mended: str) -> None:
        super().__init__(f"There is no way back to update {update.version}: {reason}.\n    {mended}")
        self.reason = reason


@dataclass(frozen=True)
class App:
    """What an update released.

    source: the setting imageSource with which the references mean the same images again; images: by app.
    commit: where the chart values are from, and path: their path there, from the project's folder; values: their text.
    """

    source: Literal["pinned", "registry"]
    images: Mapping[str, str]
    commit: str
    path: str
    values: str

    @property
    def values_file(self) -> Path:
        """The path at which a rollback puts the values, for their commit to be known afterwards."""
        return FOLDER / self.commit / self.path


def values_of(update: Update) -> tuple[str, str]:
    """The commit of the chart values that an update released, and their path there; no commit where none is known."""
    path = update.settings.get("valuesFile", "")
    kept = _VALUES.fullmatch(path)
    return (kept["commit"], kept["path"]) if kept else (update.commit, path)


def find(name: str, update: Update) -> App:
    """What an update of the stack released.

    Raises UnreachableError, and UserError where the backend or git does not answer.
    """
    if update.kind != "update" or update.result != "succeeded":
        did = "failed" if update.result == "failed" else f"is {update.result}"
        reason = f"it {did}" if update.kind == "update" else f"it was a {update.kind}, which released nothing"
        raise UnreachableError(update, reason, "python -m delivery history   tells the others")
    commit, path = values_of(update)
    require_commit(update, commit)
    values = git.show(commit, path) if path else None
    if values is None:
        raise UnreachableError(
            update,
            f"its chart values {path} are not in its commit {commit[:7]}",
            "pulumi config set valuesFile …   then pulumi up",
        )
    source, found = images(name, update)
    return App(source, found, commit, path, values)


def require_commit(update: Update, commit: str) -> None:
    """Raises UnreachableError where a commit of an update is not known, or not in this checkout."""
    if not commit:
        raise UnreachableError(
            update,
            "it was made outside of a git checkout",
            "git checkout COMMIT && pulumi up   where one knows its commit",
        )
    if not git.has(commit):
        raise UnreachableError(
            update,
            f"its commit {commit[:7]} is not in this checkout",
            f"git fetch --unshallow   or: git fetch origin {commit}",
        )


def images(name: str, update: Update) -> tuple[Literal["pinned", "registry"], Mapping[str, str]]:
    """The images that an update asked for, by app, and the setting imageSource with which they mean the same again.

    Raises UserError where that is not known.
    """
    settings = update.settings
    source = settings.get("imageSource", "pinned")
    written = {app: settings.get(f"{app}Image", "") for app in APPS}
    if source == "pinned" or (source == "registry" and all("@" in image for image in written.values())):
        return "pinned", written
    if update.numbered:
        return "pinned", stack.past_outputs(name, update.version).get("images", {})
    # No backend but Pulumi Cloud tells which digests those were: the registry is asked for those that it has now.
    if source == "registry":
        return "registry", written
    return "registry", {
        app: f"{settings.get('imageRegistry')}/todo-{app}:sha-{_last_commit(update, app)[:7]}" for app in APPS
    }


def _last_commit(update: Update, context: str) -> str:
    """The commit that an image's tag names: `system.git.revision`, as it was then."""
    commit = git.last_touching(update.commit, context)
    if commit is None:
        raise UnreachableError(update, f"its commit has no {context}", "python -m delivery history   tells the others")
    return commit
