"""The updates of a stack, as the engine's history has them, and which of them were proven good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from delivery.engine import stack
from settings.model import SECRET_KEYS
from system import git
from system.errors import UserError

# Of Pulumi.yaml: the namespace of the settings.
PROJECT = "todo-oke"

_VERIFIED = "verified"
# That many versions fit into a stack's tag.
_REMEMBERED = 20
# Source: errorDecryptingValue of `pulumi stack history`
_UNREADABLE = "ERROR_UNABLE_TO_DECRYPT"


@dataclass(frozen=True)
class Secret:
    """A secret setting: value is its plain text, which nothing that prints this shows, or None where it is not known.

    Whether two are the same is seen by their values: one value has another ciphertext each time that it is set.
    """

    value: str | None = field(repr=False)

    @property
    def readable(self) -> bool:
        """Whether it was decrypted: not without the passphrase, nor where that was another one then."""
        return self.value is not None

    def is_known_to_differ(self, other: "Secret | None") -> bool:
        """Whether another one is readable too and has another value, or is not there at all."""
        return other is None or (self.readable and other.readable and self != other)


@dataclass(frozen=True)
class Update:
    """One update of a stack.

    version: the engine's number for it; where the backend numbers none (file://, s3://), its place, the oldest being 1.
    numbered: whether the backend numbers updates, and so can tell the outputs that the stack had after each.
    kind: update, refresh, destroy, …; result: succeeded, failed or in-progress.
    time: when it began, like 2026-11-24T02:31:41.000Z.
    commit: the 40 digits of the checkout's commit, and author: who wrote it; both empty outside of a checkout.
    dirty: whether the checkout had files that differ from the commit, or that it lacks.
    settings: those that are no secret, defaults included; secrets: the others.
    changes: how many resources it created, updated, deleted, …, by the engine's names of these operations.
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
    secrets: Mapping[str, Secret]
    changes: Mapping[str, int]

    @property
    def title(self) -> str:
        """The first line of its message."""
        return self.message.partition("\n")[0]

    @property
    def minute(self) -> str:
        """When it began, in UTC, like 2026-11-24 02:31."""
        return self.time[:16].replace("T", " ")


def read(name: str) -> list[Update]:
    """All updates of a stack, the newest first; what their secrets were is not known. Raises UserError."""
    return _updates(stack.history(name))


def read_decrypted(name: str) -> list[Update]:
    """The same, with their secrets where those can be decrypted here. Raises UserError."""
    return _updates(stack.decrypted_history(name))


def last_update(name: str) -> Update | None:
    """The last one that was no refresh nor a destroy; None where there is none. Raises UserError."""
    return next((update for update in read(name) if update.kind == "update"), None)


def require_clock(last: Update | None, now: datetime) -> None:
    """Raises UserError where an update that is made now would count as older than the last one; now: in UTC.

    A folder and a bucket know their order by the clocks of those who made them.
    """
    if last and not last.numbered and datetime.fromisoformat(last.time) > now:
        raise UserError(
            f"This machine's clock is behind: here it is {now:%Y-%m-%d %H:%M} (UTC), and the last update began at "
            f"{last.minute}.\n    date -u   shows whether it is right by now"
        )


def verified(name: str) -> Sequence[int]:
    """The versions of a stack that were proven good, the latest first. Raises UserError."""
    return [int(version) for version in stack.tags(name).get(_VERIFIED, "").split()]


def record_verified(name: str) -> int | None:
    """Notes on a stack that its last update was proven good, and gives its version; None where that one failed.

    Raises UserError.
    """
    last = last_update(name)
    if last is None or last.result != "succeeded":
        return None
    versions = dict.fromkeys([last.version, *verified(name)])
    stack.set_tag(name, _VERIFIED, " ".join(map(str, [*versions][:_REMEMBERED])))
    return last.version


def _updates(entries: Sequence[Mapping[str, Any]]) -> list[Update]:
    return [_update(entry, place=len(entries) - index) for index, entry in enumerate(entries)]


def _update(entry: Mapping[str, Any], place: int) -> Update:
    environment = entry["environment"]
    config = {key.removeprefix(f"{PROJECT}:"): value for key, value in entry["config"].items()}
    hidden = {key for key, value in config.items() if value["secret"] or _is_sensitive(key, value["value"])}
    commit = environment.get("git.head", "")
    return Update(
        version=entry["version"] or place,
        numbered=bool(entry["version"]),
        kind=entry["kind"],
        result=entry["result"],
        time=entry["startTime"],
        message=entry["message"],
        commit=commit,
        # Of an update in a linked worktree, as a full rollback is, the engine notes the commit alone.
        author=environment.get("git.author") or (commit and git.author(commit)) or "",
        dirty=environment.get("git.dirty") == "true",
        settings={key: value["value"] for key, value in config.items() if key not in hidden},
        secrets={key: _secret(config[key]) for key in config if key in hidden and config[key].get("value") != ""},
        changes=entry.get("resourceChanges") or {},
    )


def _is_sensitive(key: str, value: str) -> bool:
    """Whether a setting is to be hidden that was not encrypted: by mistake, and its update failed, or as a text."""
    return key in SECRET_KEYS or "\n" in value


def _secret(value: Mapping[str, Any]) -> Secret:
    text = value.get("value", _UNREADABLE)
    return Secret(None if text == _UNREADABLE else text)
