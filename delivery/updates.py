"""The updates of a stack, as the engine's history has them, and which of them were proven good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delivery import stack

# Of Pulumi.yaml: the namespace of the settings.
PROJECT = "todo-oke"

_VERIFIED = "verified"
# That many versions fit into a stack's tag.
_REMEMBERED = 20


@dataclass(frozen=True)
class Update:
    """One update of a stack.

    version: the engine's number for it; where the backend numbers none (file://, s3://), its place, the oldest being 1.
    numbered: whether the backend numbers updates, and so can tell the outputs that the stack had after each.
    kind: update, refresh, destroy, …; result: succeeded, failed or in-progress.
    time: when it began, like 2026-11-24T02:31:41.000Z.
    commit: the 40 digits of the checkout's commit, and author: who wrote it; both empty outside of a checkout.
    dirty: whether the checkout had files that differ from the commit, or that it lacks.
    settings: those that are no secret, defaults included.
    """

    version: int
    numbered: bool
    kind: str
    result: str
    time: str
    message: str
    commit: str
    author: str
    dirty: bool
    settings: Mapping[str, str]


def read(name: str) -> list[Update]:
    """All updates of a stack, the newest first. Raises CommandError."""
    entries = stack.history(name)
    return [_update(entry, place=len(entries) - index) for index, entry in enumerate(entries)]


def verified(name: str) -> Sequence[int]:
    """The versions of a stack that were proven good, the latest first. Raises CommandError."""
    return [int(version) for version in stack.tags(name).get(_VERIFIED, "").split()]


def record_verified(name: str) -> int | None:
    """Notes on a stack that its last update was proven good, and gives its version; None where that one failed.

    Raises CommandError.
    """
    last = next((update for update in read(name) if update.kind == "update"), None)
    if last is None or last.result != "succeeded":
        return None
    versions = dict.fromkeys([last.version, *verified(name)])
    stack.set_tag(name, _VERIFIED, " ".join(map(str, [*versions][:_REMEMBERED])))
    return last.version


def _update(entry: Mapping[str, Any], place: int) -> Update:
    environment = entry["environment"]
    config = entry["config"].items()
    return Update(
        version=entry["version"] or place,
        numbered=bool(entry["version"]),
        kind=entry["kind"],
        result=entry["result"],
        time=entry["startTime"],
        message=entry["message"],
        commit=environment.get("git.head", ""),
        author=environment.get("git.author", ""),
        dirty=environment.get("git.dirty") == "true",
        settings={key.removeprefix(f"{PROJECT}:"): value["value"] for key, value in config if not value["secret"]},
    )
