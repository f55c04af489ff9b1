"""The plan of a rollback: its target, its extent, and the secrets."""

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from delivery.engine import stack_config
from delivery.engine.stack_config import StackConfig
from delivery.history import past_release, updates
from delivery.history.past_release import PastRelease
from delivery.history.updates import Secret, Update
from settings.model import KEYS
from system.errors import UserError

# A version, the last verified update before the current one, or (None) the last good one.
Target = int | Literal["verified"] | None

_MESSAGE = re.compile(
    r"roll back (in full )?to update \d+ \(commit \w+\) from update (?P<undone>\d+)( with its secrets)?"
)


@dataclass(frozen=True)
class Extent:
    """How much a rollback takes back."""

    scope: Literal["app", "full"] = "app"
    """Images and chart values, with today's program, chart and settings; or everything."""
    secrets: Literal["today", "then"] = "today"
    """Whether secrets keep today's values, or get those of the target."""


@dataclass(frozen=True)
class SecretChanges:
    """The differences between today's secrets and those of a past update, by name."""

    changed: Mapping[str, Secret]  # with the past values
    added: Sequence[str]
    unknown: Sequence[str]
    """Past secrets that cannot be decrypted today."""


@dataclass(frozen=True)
class Rollback:
    """A rollback of a stack from its last update to a past one."""

    stack: str
    current: Update
    target: Update
    verified: bool  # the target
    app: PastRelease
    later: Sequence[Update]  # after the target, the newest first
    extent: Extent
    secret_changes: SecretChanges

    @property
    def message(self) -> str:
        """The message of its update in the history."""
        full = "in full " if self.extent.scope == "full" else ""
        commit = self.target.short_commit if self.extent.scope == "full" else self.app.commit[:7]
        secrets = " with its secrets" if self.extent.secrets == "then" else ""
        target = f"update {self.target.version} (commit {commit})"
        return f"roll back {full}to {target} from update {self.current.version}{secrets}"

    @property
    def restored_secrets(self) -> Mapping[str, Secret]:
        """The secrets that get their past values."""
        return self.secret_changes.changed if self.extent.secrets == "then" else {}


def choose(name: str, to: Target, extent: Extent) -> Rollback:
    """Return the rollback of a stack to an update.

    Good means verified; where nothing is verified, an update that succeeded and was not rolled back.

    Raises UserError where the target does not exist, or cannot be restored.
    """
    # In parallel, because each command of the engine takes seconds.
    with ThreadPoolExecutor() as threads:
        history = threads.submit(updates.read_decrypted, name)
        tagged = threads.submit(updates.verified, name)
        today = threads.submit(stack_config.load, name, os.environ)
    candidates = [update for update in history.result() if update.kind == "update"]
    if not candidates:
        raise UserError(f"Stack {name} has no updates yet.", f"pulumi up --stack {name}")
    verified = tagged.result()
    target = _target(candidates, verified, to)
    if target is None:
        raise UserError(f"Stack {name} has {_missing(to)}.", f"python -m delivery history --stack {name}")
    app = past_release.find(name, target)
    if extent.scope == "full":
        past_release.require_commit(target, target.commit)
    changes = _secret_changes(today.result(), target, extent)
    if extent.secrets == "then" and changes.unknown:
        raise UserError(
            f"The secrets of update {target.version} cannot be decrypted ({', '.join(changes.unknown)}): without "
            "--with-secrets they keep today's values.",
            f"python -m delivery rollback --stack {name} --to {target.version}"
            + (" --full" if extent.scope == "full" else ""),
        )
    later = candidates[: candidates.index(target)]
    return Rollback(name, candidates[0], target, target.version in verified, app, later, extent, changes)


def _missing(to: Target) -> str:
    match to:
        case None:
            return "no good update before the last one"
        case "verified":
            return "no verified update before the last one"
        case version:
            return f"no update {version}"


def _target(candidates: Sequence[Update], verified: Sequence[int], to: Target) -> Update | None:
    if isinstance(to, int):
        return next((update for update in candidates if update.version == to), None)
    # A failed rollback has rolled nothing back: its release rolled itself back.
    rollbacks = [found for u in candidates if u.result == "succeeded" and (found := _MESSAGE.fullmatch(u.message))]
    rolled_back = {int(found["undone"]) for found in rollbacks}
    good = [u for u in candidates[1:] if u.result == "succeeded" and u.version not in rolled_back]
    last_verified = next((update for update in good if update.version in verified), None)
    return last_verified if to == "verified" else last_verified or next(iter(good), None)


def _secret_changes(config: StackConfig, target: Update, extent: Extent) -> SecretChanges:
    # Today's program rejects a setting that it does not know, and a setting that is plain today stays plain.
    settable = {key for key in KEYS if key in config.encrypted or not config.values.get(key)}
    past = {key: secret for key, secret in target.secrets.items() if extent.scope == "full" or key in settable}
    today = {key: Secret(config.values[key]) for key in config.encrypted}
    return SecretChanges(
        changed={
            key: secret
            for key, secret in past.items()
            if secret.is_readable and secret.is_known_to_differ(today.get(key))
        },
        added=[key for key in today if key not in target.secrets],
        unknown=[key for key, secret in past.items() if not secret.is_readable],
    )
