"""Which update a rollback goes back to, how much of it, and what that means for the secrets."""

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from delivery.engine import stack_config
from delivery.engine.stack_config import StackConfig
from delivery.history import past_release, updates
from delivery.history.past_release import App
from delivery.history.updates import Secret, Update
from settings.model import KEYS
from system.errors import UserError

# A version, the last update before the current one that was verified, or the last one that was good.
Goal = int | Literal["verified"] | None

_MESSAGE = re.compile(
    r"roll back (in full )?to update \d+ \(commit \w+\) from update (?P<left>\d+)( with its secrets)?"
)
_HISTORY = "python -m delivery history   tells which there are"


@dataclass(frozen=True)
class Extent:
    """How much goes back.

    scope: the app, which is its images and chart values, in the program and chart and with the settings of today; or in
    full, all that the update was. secrets: whose they are afterwards.
    """

    scope: Literal["app", "full"] = "app"
    secrets: Literal["today", "then"] = "today"


@dataclass(frozen=True)
class Rotation:
    """How the secrets of today differ from those of an earlier update, by name.

    changed: those with another value then, and that one; added: those that it did not have; unknown: those of then that
    cannot be decrypted today.
    """

    changed: Mapping[str, Secret]
    added: Sequence[str]
    unknown: Sequence[str]


@dataclass(frozen=True)
class Rollback:
    """Of a stack, from its last update to an earlier one.

    verified: whether that one was proven good. app: what it released. later: the updates since, the newest first.
    rotation: how the secrets of today differ from those of then.
    """

    stack: str
    current: Update
    target: Update
    verified: bool
    app: App
    later: Sequence[Update]
    extent: Extent
    rotation: Rotation

    @property
    def message(self) -> str:
        """What the history says of it."""
        full = "in full " if self.extent.scope == "full" else ""
        commit = self.target.commit if self.extent.scope == "full" else self.app.commit
        rotated = " with its secrets" if self.extent.secrets == "then" else ""
        target = f"update {self.target.version} (commit {commit[:7]})"
        return f"roll back {full}to {target} from update {self.current.version}{rotated}"

    @property
    def restored_secrets(self) -> Mapping[str, Secret]:
        """The secrets that it sets to what they were, and those values."""
        return self.rotation.changed if self.extent.secrets == "then" else {}


def choose(name: str, to: Goal, extent: Extent) -> Rollback:
    """The rollback of a stack to an update, by default the last good one.

    Good is what was verified; where that is nothing, what succeeded, and was not left by a rollback since.

    Raises UserError where there is none, or no way back to it.
    """
    # At once, for the engine takes its time over each.
    with ThreadPoolExecutor() as threads:
        history = threads.submit(updates.read_decrypted, name)
        proven = threads.submit(updates.verified, name)
        of_today = threads.submit(stack_config.load, name, os.environ)
    made = [update for update in history.result() if update.kind == "update"]
    if not made:
        raise UserError(f"Stack {name} was never brought up.\n    pulumi up --stack {name}")
    verified = proven.result()
    target = _target(made, verified, to)
    if target is None:
        raise UserError(f"Stack {name} has {_missing(to)}.\n    {_HISTORY}")
    app = past_release.find(name, target)
    if extent.scope == "full":
        past_release.require_commit(target, target.commit)
    rotation = _rotation(of_today.result(), target, extent)
    if extent.secrets == "then" and rotation.unknown:
        raise UserError(
            f"The secrets of update {target.version} cannot be decrypted: {', '.join(rotation.unknown)}.\n"
            "    without --with-secrets   they stay what they are today"
        )
    later = made[: made.index(target)]
    return Rollback(name, made[0], target, target.version in verified, app, later, extent, rotation)


def _missing(to: Goal) -> str:
    match to:
        case None:
            return "no earlier update that was good"
        case "verified":
            return "no earlier update that was verified"
        case version:
            return f"no update {version}"


def _target(made: Sequence[Update], verified: Sequence[int], to: Goal) -> Update | None:
    if isinstance(to, int):
        return next((update for update in made if update.version == to), None)
    # A rollback that failed has left nothing: its release took itself back.
    rollbacks = [found for u in made if u.result == "succeeded" and (found := _MESSAGE.fullmatch(u.message))]
    left = {int(found["left"]) for found in rollbacks}
    candidates = [update for update in made[1:] if update.result == "succeeded" and update.version not in left]
    proven = next((update for update in candidates if update.version in verified), None)
    return proven if to == "verified" else proven or next(iter(candidates), None)


def _rotation(config: StackConfig, target: Update, extent: Extent) -> Rotation:
    # Today's program stops at a setting that it does not know, and what is plain today is not to be a secret again.
    of_today = {key for key in KEYS if key in config.encrypted or not config.values.get(key)}
    then = {key: secret for key, secret in target.secrets.items() if extent.scope == "full" or key in of_today}
    today = {key: Secret(config.values[key]) for key in config.encrypted}
    return Rotation(
        changed={
            key: secret for key, secret in then.items() if secret.readable and secret.is_known_to_differ(today.get(key))
        },
        added=[key for key in today if key not in target.secrets],
        unknown=[key for key, secret in then.items() if not secret.readable],
    )
