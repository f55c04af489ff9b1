"""What differs between two updates of a stack: what was asked for, never the value of a secret."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delivery.history import past_release
from delivery.history.past_release import UnreachableError
from delivery.history.updates import Update
from system import git
from system.errors import UserError

# What an update runs of its commit beside the app: the program, with the packages that it runs on, and the chart.
_PROGRAM = ("__main__.py", "components", "Pulumi.yaml", "requirements.txt")
_CHART = ("infra",)
# What is told as an image or as chart values.
_TOLD_ELSEWHERE = {"frontendImage", "backendImage", "valuesFile"}
_NAMED = 2  # settings, before they are counted


@dataclass(frozen=True)
class Pair:
    """A value before and after; empty where there was none."""

    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """From an update to another.

    settings: the plain ones that differ; images: those that differ, by app; values: the lines of a unified diff of the
    chart values. secrets: the names of those that differ; unknown_secrets: of those that cannot be decrypted here.
    chart, program: the files of the commits that differ. added: the commits that lead from the first update's to the
    second's, the newest first, a line each; removed: those that lead the other way.
    """

    settings: Mapping[str, Pair]
    secrets: Sequence[str]
    unknown_secrets: Sequence[str]
    images: Mapping[str, Pair]
    values: Sequence[str]
    chart: Sequence[str]
    program: Sequence[str]
    added: Sequence[str]
    removed: Sequence[str]

    @property
    def summary(self) -> str:
        """What differs, in a few words; empty where nothing does."""
        settings = [key for key in self.settings if key not in _TOLD_ELSEWHERE]
        parts = [
            *(f"{app} image" for app in self.images),
            *(["chart values"] if self.values else []),
            *(settings if len(settings) <= _NAMED else [f"{len(settings)} settings"]),
            *self.secrets,
            *(["chart"] if self.chart else []),
            *(["program"] if self.program else []),
        ]
        return ", ".join(parts)


@dataclass(frozen=True)
class Snapshot:
    """An update, and what it asked for beside its settings.

    images: references, by app; values: the text of the chart values; both are empty where they are not known any more.
    obstacle: why there is no way back to it; empty where there is one.
    """

    update: Update
    images: Mapping[str, str]
    values: str
    obstacle: str


def snapshot(name: str, update: Update) -> Snapshot:
    """What an update of a stack asked for. Raises UserError where git or the backend does not answer."""
    try:
        app = past_release.find(name, update)
    except UnreachableError as error:
        return Snapshot(update, _images(name, update), _values(update), error.reason)
    return Snapshot(update, app.images, app.values, "")


def compare(before: Snapshot, after: Snapshot) -> Comparison:
    """What differs between two updates. Raises UserError where git does not answer."""
    first, second = before.update, after.update
    secrets = {key: (first.secrets.get(key), second.secrets.get(key)) for key in _keys(first.secrets, second.secrets)}
    commits = (first.commit, second.commit)
    are_known = all(commits) and all(map(git.has, commits))
    return Comparison(
        settings=_pairs(first.settings, second.settings),
        secrets=[key for key, (a, b) in secrets.items() if a is None or a.is_known_to_differ(b)],
        unknown_secrets=[key for key, (a, b) in secrets.items() if a and b and not (a.readable and b.readable)],
        images=_pairs(before.images, after.images),
        values=_unified(before, after),
        chart=_charts_files(*commits) if are_known else [],
        program=git.changed_files(*commits, *_PROGRAM) if are_known else [],
        added=git.log(*commits) if are_known else [],
        removed=git.log(*reversed(commits)) if are_known else [],
    )


def _images(name: str, update: Update) -> Mapping[str, str]:
    try:
        _, images = past_release.images(name, update)
    except UserError:  # it left no outputs
        return {}
    return {app: image for app, image in images.items() if image}


def _values(update: Update) -> str:
    commit, path = past_release.values_of(update)
    return (git.show(commit, path) if commit and path else None) or ""


def _charts_files(before: str, after: str) -> Sequence[str]:
    """Without values files, of which the one that counts is told by its lines."""
    return [file for file in git.changed_files(before, after, *_CHART) if "/values-" not in file]


def _pairs(before: Mapping[str, str], after: Mapping[str, str]) -> Mapping[str, Pair]:
    pairs = {key: Pair(before.get(key, ""), after.get(key, "")) for key in _keys(before, after)}
    return {key: pair for key, pair in pairs.items() if pair.before != pair.after}


def _keys(before: Mapping[str, object], after: Mapping[str, object]) -> Sequence[str]:
    return [*before, *(key for key in after if key not in before)]


def _unified(before: Snapshot, after: Snapshot) -> Sequence[str]:
    (_, old), (_, new) = past_release.values_of(before.update), past_release.values_of(after.update)
    names = (f"{old} (update {before.update.version})", f"{new} (update {after.update.version})")
    return [*difflib.unified_diff(before.values.splitlines(), after.values.splitlines(), *names, lineterm="")]
