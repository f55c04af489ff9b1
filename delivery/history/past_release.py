"""The app that a past update released: its images from the stack's history, its chart values from git."""

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

# The files of a rollback, for the time of its update. The path of the chart values records their commit.
FOLDER = Path(".local/rollback")
_VALUES = re.compile(rf"{re.escape(str(FOLDER))}/(?P<commit>[0-9a-f]{{40}})/(?P<path>.+)")


class CannotRollBackError(UserError):
    """An update that a rollback cannot reach."""

    def __init__(self, update: Update, reason: str, hint: str | None) -> None:
        """reason: a clause."""
        super().__init__(f"Cannot roll back to update {update.version}: {reason}.", hint)
        self.reason = reason


@dataclass(frozen=True)
class PastRelease:
    """The app of a past update."""

    source: Literal["pinned", "registry"]
    """The setting imageSource with which the references mean the same images again."""
    images: Mapping[str, str]  # references, by app
    commit: str  # of the chart values
    path: str  # of the chart values in the commit, from the project's folder
    values: str  # their text

    @property
    def values_file(self) -> Path:
        """Where a rollback puts the chart values, so that a later one knows their commit."""
        return FOLDER / self.commit / self.path


def values_of(update: Update) -> tuple[str | None, str]:
    """Return the commit, if it is known, and the path of the chart values that an update released."""
    path = update.settings.get("valuesFile", "")
    recorded = _VALUES.fullmatch(path)
    return (recorded["commit"], recorded["path"]) if recorded else (update.commit, path)


def find(name: str, update: Update) -> PastRelease:
    """Return the app that an update of the stack released.

    Raises CannotRollBackError, and UserError where the backend or git fails.
    """
    if update.kind != "update" or update.result != "succeeded":
        result = "failed" if update.result == "failed" else f"is {update.result}"
        reason = f"it {result}" if update.kind == "update" else f"it was a {update.kind}, which released nothing"
        raise CannotRollBackError(update, reason, f"python -m delivery history --stack {name}")
    commit, path = values_of(update)
    commit = require_commit(update, commit)
    values = git.show(commit, path) if path else None
    if values is None:
        reason = f"its chart values {path} are not in its commit {commit[:7]}" if path else "it set no valuesFile"
        raise CannotRollBackError(update, reason, f"python -m delivery history --stack {name}")
    source, found = images(name, update)
    return PastRelease(source, found, commit, path, values)


def require_commit(update: Update, commit: str | None) -> str:
    """Return a commit of an update. Raises CannotRollBackError where it is unknown, or not in this checkout."""
    if commit is None:
        raise CannotRollBackError(update, "it was made outside of a git checkout", None)
    if not git.has(commit):
        raise CannotRollBackError(
            update, f"its commit {commit[:7]} is not in this checkout", f"git fetch origin {commit}"
        )
    return commit


def images(name: str, update: Update) -> tuple[Literal["pinned", "registry"], Mapping[str, str]]:
    """Return the imageSource with which an update's images mean the same again, and these images by app.

    Raises UserError where they are unknown.
    """
    settings = update.settings
    source = settings.get("imageSource", "pinned")
    configured = {app: settings.get(f"{app}Image", "") for app in APPS}
    if source == "pinned" or (source == "registry" and all("@" in image for image in configured.values())):
        return "pinned", configured
    if update.numbered:
        return "pinned", stack.past_outputs(name, update.version).get("images", {})
    # Only Pulumi Cloud records the digests of that time. Elsewhere the tags are resolved as of today.
    if source == "registry":
        return "registry", configured
    return "registry", {
        app: f"{settings.get('imageRegistry')}/todo-{app}:sha-{_build_commit(name, update, app)[:7]}" for app in APPS
    }


def _build_commit(name: str, update: Update, context: str) -> str:
    """Return the commit in the tag of an image that was built: `system.git.revision` at that time."""
    commit = git.last_touching(update.commit, context) if update.commit else None
    if not commit:
        hint = f"python -m delivery history --stack {name}"
        raise CannotRollBackError(update, f"its commit has no folder {context}", hint)
    return commit
