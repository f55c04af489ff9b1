"""The updates of a stack in the engine's history, and which of them were verified."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from delivery.engine import stack
from settings.model import SECRET_KEYS
from system import git
from system.errors import UserError

# The name in Pulumi.yaml, which is the namespace of the settings.
PROJECT = "todo-oke"

_VERIFIED_TAG = "verified"
_REMEMBERED = 20  # versions that fit into a tag
# Source: errorDecryptingValue of `pulumi stack history`
_UNREADABLE = "ERROR_UNABLE_TO_DECRYPT"


@dataclass(frozen=True)
class Secret:
    """A secret setting, compared by its value: each encryption of a value has another ciphertext."""

    value: str | None = field(repr=False)
    """Plain text, never printed. None without the passphrase that encrypted it."""

    @property
    def is_readable(self) -> bool:
        return self.value is not None

    def is_known_to_differ(self, other: "Secret | None") -> bool:
        """Return whether another one is readable and has another value, or does not exist."""
        return other is None or (self.is_readable and other.is_readable and self != other)


@dataclass(frozen=True)
class Update:
    """One update of a stack."""

    version: int
    """The engine's number, or, where the backend numbers none (file://, s3://), its place, the oldest being 1."""
    numbered: bool
    """Whether the backend numbers updates, and so keeps the outputs after each."""
    kind: str  # update, refresh, destroy, …
    result: str  # succeeded, failed or in-progress
    time: str  # of its start, like 2026-11-24T02:31:41.000Z
    message: str
    commit: str | None  # 40 digits; None outside of a checkout
    author: str | None
    dirty: bool
    """Whether the checkout had uncommitted changes."""
    settings: Mapping[str, str]  # without secrets, with defaults
    secrets: Mapping[str, Secret]
    changes: Mapping[str, int]  # resources by operation, like {"create": 2}

    @property
    def title(self) -> str:
        """The first line of its message."""
        return self.message.partition("\n")[0]

    @property
    def minute(self) -> str:
        """The start in UTC, like 2026-11-24 02:31."""
        return self.time[:16].replace("T", " ")

    @property
    def short_commit(self) -> str:
        """The first 7 digits, or `unknown`."""
        return self.commit[:7] if self.commit else "unknown"


def read(name: str) -> list[Update]:
    """Return all updates of a stack, the newest first, without the values of secrets. Raises UserError."""
    return _updates(stack.history(name))


def read_decrypted(name: str) -> list[Update]:
    """Return all updates, with the secrets that can be decrypted here. Raises UserError."""
    return _updates(stack.decrypted_history(name))


def last_update(name: str) -> Update | None:
    """Return the last update that was no refresh or destroy. Raises UserError."""
    return next((update for update in read(name) if update.kind == "update"), None)


def require_clock(last: Update | None, now: datetime) -> None:
    """Raise UserError where a new update would count as older than the last one; now: in UTC.

    A folder and a bucket order updates by the clocks of the machines that made them.
    """
    if last and not last.numbered and datetime.fromisoformat(last.time) > now:
        raise UserError(
            f"This machine's clock is behind: it shows {now:%Y-%m-%d %H:%M} (UTC), and the last update began at "
            f"{last.minute}.",
            "date -u",
        )


def verified(name: str) -> Sequence[int]:
    """Return the versions that were verified, the latest first. Raises UserError."""
    return [int(version) for version in stack.tags(name).get(_VERIFIED_TAG, "").split()]


def record_verified(name: str) -> int | None:
    """Record the last update as verified and return its version, or None where it failed. Raises UserError."""
    last = last_update(name)
    if last is None or last.result != "succeeded":
        return None
    versions = dict.fromkeys([last.version, *verified(name)])
    stack.set_tag(name, _VERIFIED_TAG, " ".join(map(str, [*versions][:_REMEMBERED])))
    return last.version


def _updates(entries: Sequence[Mapping[str, Any]]) -> list[Update]:
    return [_update(entry, place=len(entries) - index) for index, entry in enumerate(entries)]


def _update(entry: Mapping[str, Any], place: int) -> Update:
    environment = entry["environment"]
    config = {key.removeprefix(f"{PROJECT}:"): value for key, value in entry["config"].items()}
    hidden = {key for key, value in config.items() if value["secret"] or _is_sensitive(key, value["value"])}
    commit = environment.get("git.head") or None
    return Update(
        version=entry["version"] or place,
        numbered=bool(entry["version"]),
        kind=entry["kind"],
        result=entry["result"],
        time=entry["startTime"],
        message=entry["message"],
        commit=commit,
        # In a linked worktree, as in a full rollback, the engine records the commit only.
        author=environment.get("git.author") or (git.author(commit) if commit else None),
        dirty=environment.get("git.dirty") == "true",
        settings={key: value["value"] for key, value in config.items() if key not in hidden},
        secrets={key: _secret(config[key]) for key in config if key in hidden and config[key].get("value") != ""},
        changes=entry.get("resourceChanges") or {},
    )


def _is_sensitive(key: str, value: str) -> bool:
    """Return whether to hide a plain setting: a secret that was not encrypted by mistake, or a longer text."""
    return key in SECRET_KEYS or "\n" in value


def _secret(value: Mapping[str, Any]) -> Secret:
    text = value.get("value", _UNREADABLE)
    return Secret(None if text == _UNREADABLE else text)
