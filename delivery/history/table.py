"""The updates of a stack as a table or JSON, with the reason why a rollback cannot reach one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from delivery.history import compare, updates
from delivery.history.compare import Comparison, Details
from system.errors import UserError

_TITLES = ("version", "began (UTC)", "result", "commit", "author", "changed", "images", "message", "rollback")
_SHORT = 7
_MESSAGE = 72
_OPERATIONS = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}


@dataclass(frozen=True)
class Entry:
    """An update in the history."""

    details: Details
    verified: bool
    comparison: Comparison | None
    """With the update before it; None for the first one."""

    @property
    def changed(self) -> str:
        """What the update changed, in a few words: its inputs, and the number of resources."""
        counts = [
            f"{count} {_OPERATIONS[kind]}" for kind, count in self.details.update.changes.items() if kind in _OPERATIONS
        ]
        inputs = self.comparison.summary if self.comparison else ""
        return " ".join(filter(None, [inputs, f"({', '.join(counts)})" if counts else ""])) or "nothing"


def read(name: str, count: int) -> Sequence[Entry]:
    """Return the last updates of a stack, the newest first. Raises UserError."""
    history = updates.read_decrypted(name)
    if not history:
        raise UserError(f"Stack {name} has no updates yet.", f"pulumi up --stack {name}")
    verified = updates.verified(name)
    # Each is compared with the one before it, which is read once.
    details = [compare.details(name, update) for update in history[: count + 1]]
    return [
        Entry(current, current.update.version in verified, compare.compare(before, current) if before else None)
        for current, before in zip_longest(details[:count], details[1:])
    ]


def table(entries: Sequence[Entry]) -> str:
    """Return a line for each update."""
    rows = [_TITLES, *map(_row, entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def as_json(entries: Sequence[Entry]) -> str:
    """Return JSON with whole digests and commits; of a changed secret only the name."""
    return json.dumps([_document(entry) for entry in entries], indent=2)


def _row(entry: Entry) -> Sequence[str]:
    update, blocked_by = entry.details.update, entry.details.blocked_by
    return (
        str(update.version),
        update.minute,
        ("" if update.kind == "update" else f"{update.kind} ") + ("verified" if entry.verified else update.result),
        (update.commit or "")[:_SHORT],
        update.author or "",
        entry.changed,
        ", ".join(f"{app} {_short(image)}" for app, image in entry.details.images.items()),
        update.title[:_MESSAGE],
        f"no: {blocked_by}" if blocked_by else "yes",
    )


def _document(entry: Entry) -> Mapping[str, Any]:
    update, comparison = entry.details.update, entry.comparison
    return {
        "version": update.version,
        "kind": update.kind,
        "result": update.result,
        "verified": entry.verified,
        "time": update.time,
        "commit": update.commit,
        "author": update.author,
        "message": update.message,
        "images": entry.details.images,
        "changed": {
            "settings": [*comparison.settings] if comparison else [],
            "secrets": comparison.secrets if comparison else [],
            "images": [*comparison.images] if comparison else [],
            "values": bool(comparison and comparison.values),
            "chart": bool(comparison and comparison.chart),
            "program": bool(comparison and comparison.program),
        },
        "resources": update.changes,
        "rollback": {"possible": entry.details.blocked_by is None, "reason": entry.details.blocked_by},
    }


def _short(image: str) -> str:
    """Return the first digits of the digest, else the tag."""
    _, is_digest, digest = image.partition("@sha256:")
    return digest[:_SHORT] if is_digest else image.rpartition("/")[2].partition(":")[2]
