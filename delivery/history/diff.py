"""What differs between two updates of a stack, for people and for a program; secrets are only named."""

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
    """Two updates of a stack, by their versions, and what differs. Raises UserError, as where one is not there."""
    made = {update.version: update for update in updates.read_decrypted(name)}
    for version in (before, after):
        if version not in made:
            raise UserError(f"Stack {name} has no update {version}.\n    python -m delivery history --stack {name}")
    first, second = made[before], made[after]
    return first, second, comparison.compare(comparison.snapshot(name, first), comparison.snapshot(name, second))


def plain(before: Update, after: Update, found: Comparison) -> str:
    """The differences as a text, each kind under its own title."""
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
    told = [line for title, lines in sections.items() if lines for line in (title, *(f"  {line}" for line in lines))]
    return "\n".join([f"{_told(before)}  →  {_told(after)}", *(told or ["nothing differs"])])


def as_json(before: Update, after: Update, found: Comparison) -> str:
    """The same for a program; a setting or an image that is not set is an empty text."""
    return json.dumps({"from": before.version, "to": after.version, **asdict(found)}, indent=2)


def _pairs(pairs: Mapping[str, Pair]) -> Iterator[str]:
    for key, pair in pairs.items():
        yield f"{key}: {pair.before or _UNSET} → {pair.after or _UNSET}"


def _secrets(found: Comparison) -> Iterator[str]:
    for key in found.secrets:
        yield f"{key} differs"
    for key in found.unknown_secrets:
        yield f"{key} may differ: the passphrase of today does not decrypt it"


def _not_compared(before: Update, after: Update) -> Iterator[str]:
    for update in (before, after):
        if not update.commit:
            yield f"the files of update {update.version}, which was made outside of a git checkout"
        elif update.dirty:
            yield f"what update {update.version} had in files that no commit has"


def _told(update: Update) -> str:
    return f"update {update.version} of {update.minute} (commit {update.commit[:7] or 'unknown'})"
