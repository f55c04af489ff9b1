"""The differences between two updates of a stack, never the value of a secret."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delivery.history import past_release
from delivery.history.past_release import CannotRollBackError
from delivery.history.updates import Update
from system import git
from system.errors import UserError

# The files of a commit that an update runs beside the app: the program with its packages, and the chart.
_PROGRAM = (
    *("__main__.py", "components", "settings", "oke", "kube", "system"),
    *("Pulumi.yaml", "requirements.txt"),
)
_CHART = ("infra",)
# Settings that appear as an image or as chart values.
_SHOWN_ELSEWHERE = {"frontendImage", "backendImage", "valuesFile"}
_LISTED = 2  # settings, before only their number is shown


@dataclass(frozen=True)
class Pair:
    """A value before and after; None where it is not set."""

    before: str | None
    after: str | None


@dataclass(frozen=True)
class Comparison:
    """The differences from one update to another."""

    settings: Mapping[str, Pair]
    secrets: Sequence[str]  # names
    unknown_secrets: Sequence[str]  # names of secrets that cannot be decrypted here
    images: Mapping[str, Pair]  # by app
    values: Sequence[str]  # lines of a unified diff of the chart values
    chart: Sequence[str]  # files
    program: Sequence[str]  # files
    added: Sequence[str]
    """Commits from the first update's to the second's, the newest first, a line each."""
    removed: Sequence[str]
    """Commits in the other direction."""

    @property
    def summary(self) -> str:
        """What differs, in a few words."""
        settings = [key for key in self.settings if key not in _SHOWN_ELSEWHERE]
        parts = [
            *(f"{app} image" for app in self.images),
            *(["chart values"] if self.values else []),
            *(settings if len(settings) <= _LISTED else [f"{len(settings)} settings"]),
            *self.secrets,
            *(["chart"] if self.chart else []),
            *(["program"] if self.program else []),
        ]
        return ", ".join(parts)


@dataclass(frozen=True)
class Details:
    """An update with its images and chart values, as far as they are known."""

    update: Update
    images: Mapping[str, str]  # references, by app
    values: str
    blocked_by: str | None
    """Why a rollback cannot reach it, as a clause."""


def details(name: str, update: Update) -> Details:
    """Return the details of an update. Raises UserError where git or the backend fails."""
    try:
        release = past_release.find(name, update)
    except CannotRollBackError as error:
        return Details(update, _images(name, update), _values(update), error.reason)
    return Details(update, release.images, release.values, None)


def compare(before: Details, after: Details) -> Comparison:
    """Return the differences between two updates. Raises UserError where git fails."""
    first, second = before.update, after.update
    secrets = {key: (first.secrets.get(key), second.secrets.get(key)) for key in _keys(first.secrets, second.secrets)}
    commits = _known_commits(first, second)
    return Comparison(
        settings=_pairs(first.settings, second.settings),
        secrets=[key for key, (a, b) in secrets.items() if a is None or a.is_known_to_differ(b)],
        unknown_secrets=[key for key, (a, b) in secrets.items() if a and b and not (a.is_readable and b.is_readable)],
        images=_pairs(before.images, after.images),
        values=_unified_diff(before, after),
        chart=_chart_files(*commits) if commits else [],
        program=git.changed_files(*commits, *_PROGRAM) if commits else [],
        added=git.log(*commits) if commits else [],
        removed=git.log(*reversed(commits)) if commits else [],
    )


def _known_commits(first: Update, second: Update) -> tuple[str, str] | None:
    before, after = first.commit, second.commit
    return (before, after) if before and after and git.has(before) and git.has(after) else None


def _chart_files(before: str, after: str) -> Sequence[str]:
    """Return the changed files of the chart without values files: those in use appear as a diff."""
    return [file for file in git.changed_files(before, after, *_CHART) if "/values-" not in file]


def _images(name: str, update: Update) -> Mapping[str, str]:
    try:
        _, images = past_release.images(name, update)
    except UserError:  # it left no outputs
        return {}
    return {app: image for app, image in images.items() if image}


def _values(update: Update) -> str:
    commit, path = past_release.values_of(update)
    return (git.show(commit, path) if commit and path else None) or ""


def _pairs(before: Mapping[str, str], after: Mapping[str, str]) -> Mapping[str, Pair]:
    pairs = {key: Pair(before.get(key) or None, after.get(key) or None) for key in _keys(before, after)}
    return {key: pair for key, pair in pairs.items() if pair.before != pair.after}


def _keys(before: Mapping[str, object], after: Mapping[str, object]) -> Sequence[str]:
    return [*before, *(key for key in after if key not in before)]


def _unified_diff(before: Details, after: Details) -> Sequence[str]:
    (_, old), (_, new) = past_release.values_of(before.update), past_release.values_of(after.update)
    names = (f"{old} (update {before.update.version})", f"{new} (update {after.update.version})")
    return [*difflib.unified_diff(before.values.splitlines(), after.values.splitlines(), *names, lineterm="")]
