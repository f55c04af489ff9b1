"""The updates of a stack, as a table and for a program, and of each whether one can go back to it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from delivery.history import compare, updates
from delivery.history.compare import Comparison, Snapshot
from system.errors import UserError

_TITLES = ("version", "began (UTC)", "result", "commit", "author", "changed", "images", "message", "way back")
_SHORT = 7
_MESSAGE = 72
_OPERATIONS = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}


@dataclass(frozen=True)
class Entry:
    """An update in the history; since: what differs from the update before it, or None of the first one."""

    made: Snapshot
    verified: bool
    since: Comparison | None

    @property
    def changed(self) -> str:
        """What it changed, in a few words: what was asked for, and of the resources how many."""
        counts = [
            f"{count} {_OPERATIONS[kind]}" for kind, count in self.made.update.changes.items() if kind in _OPERATIONS
        ]
        asked = self.since.summary if self.since else ""
        return " ".join(filter(None, [asked, f"({', '.join(counts)})" if counts else ""])) or "nothing"


def read(name: str, count: int) -> Sequence[Entry]:
    """The last so many updates of a stack, the newest first. Raises UserError."""
    made = updates.read_decrypted(name)
    if not made:
        raise UserError(f"Stack {name} was never brought up.\n    pulumi up --stack {name}")
    verified = updates.verified(name)
    # Each is compared with the one before it, which is read once.
    seen = [compare.snapshot(name, update) for update in made[: count + 1]]
    return [
        Entry(current, current.update.version in verified, compare.compare(before, current) if before else None)
        for current, before in zip_longest(seen[:count], seen[1:])
    ]


def table(entries: Sequence[Entry]) -> str:
    """A line for each update."""
    rows = [_TITLES, *map(_row, entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def as_json(entries: Sequence[Entry]) -> str:
    """The same for a program, with all digits of digests and commits; a secret is named where it was changed."""
    return json.dumps([_document(entry) for entry in entries], indent=2)


def _row(entry: Entry) -> Sequence[str]:
    update = entry.made.update
    return (
        str(update.version),
        update.minute,
        ("" if update.kind == "update" else f"{update.kind} ") + ("verified" if entry.verified else update.result),
        update.commit[:_SHORT],
        update.author,
        entry.changed,
        ", ".join(f"{app} {_short(image)}" for app, image in entry.made.images.items()),
        update.title[:_MESSAGE],
        f"no: {entry.made.obstacle}" if entry.made.obstacle else "yes",
    )


def _document(entry: Entry) -> Mapping[str, Any]:
    update, since = entry.made.update, entry.since
    return {
        "version": update.version,
        "kind": update.kind,
        "result": update.result,
        "verified": entry.verified,
        "time": update.time,
        "commit": update.commit,
        "author": update.author,
        "message": update.message,
        "images": entry.made.images,
        "changed": {
            "settings": [*since.settings] if since else [],
            "secrets": since.secrets if since else [],
            "images": [*since.images] if since else [],
            "values": bool(since and since.values),
            "chart": bool(since and since.chart),
            "program": bool(since and since.program),
        },
        "resources": update.changes,
        "wayBack": {"possible": not entry.made.obstacle, "reason": entry.made.obstacle},
    }


def _short(image: str) -> str:
    """The digest as people tell it, else the tag."""
    _, is_digest, digest = image.partition("@sha256:")
    return digest[:_SHORT] if is_digest else image.rpartition("/")[2].partition(":")[2]
