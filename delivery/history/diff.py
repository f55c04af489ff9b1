"""The differences between two updates of a stack as text or JSON; of a secret only the name."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from delivery.history import compare as comparison
from delivery.history import updates
from delivery.history.compare import Comparison, Pair
from delivery.history.updates import Update
from system.errors import UserError

_UNSET = "(not set)"


def compare(name: str, before: int, after: int) -> tuple[Update, Update, Comparison]:
    """Return two updates of a stack, by their versions, and their differences. Raises UserError."""
    history = {update.version: update for update in updates.read_decrypted(name)}
    for version in (before, after):
        if version not in history:
            raise UserError(f"Stack {name} has no update {version}.", f"python -m delivery history --stack {name}")
    first, second = history[before], history[after]
    return first, second, comparison.compare(comparison.details(name, first), comparison.details(name, second))


def plain(before: Update, after: Update, found: Comparison) -> str:
    """Return the differences as text, each kind under its own title."""
    sections = {
        "settings": [*_pairs(found.settings)],
        "secrets": [*_secrets(found)],
        "images": [*_pairs(found.images)],
        "chart values": found.values,
        "chart": found.chart,
        "program": found.program,
        "commits": [*(f"+ {line}" for line in found.added), *(f"- {line}" for line in found.removed)],
        "not compared": [*_not_compared(before, after)],
    }
    lines = [line for title, lines in sections.items() if lines for line in (title, *(f"  {line}" for line in lines))]
    return "\n".join([f"{_label(before)}  →  {_label(after)}", *(lines or ["no difference"])])


def as_json(before: Update, after: Update, found: Comparison) -> str:
    """Return the differences as JSON."""
    return json.dumps({"from": before.version, "to": after.version, **asdict(found)}, indent=2)


def _pairs(pairs: Mapping[str, Pair]) -> Iterator[str]:
    for key, pair in pairs.items():
        yield f"{key}: {pair.before or _UNSET} → {pair.after or _UNSET}"


def _secrets(found: Comparison) -> Iterator[str]:
    for key in found.secrets:
        yield f"{key} differs"
    for key in found.unknown_secrets:
        yield f"{key} may differ: today's passphrase does not decrypt it"


def _not_compared(before: Update, after: Update) -> Iterator[str]:
    for update in (before, after):
        if not update.commit:
            yield f"the files of update {update.version}, which was made outside of a git checkout"
        elif update.dirty:
            yield f"the uncommitted changes of update {update.version}"


def _label(update: Update) -> str:
    return f"update {update.version} of {update.minute} (commit {update.short_commit})"
