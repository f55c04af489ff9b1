"""Back to the app of an earlier update, by a new update: its images and chart values, with all else as it is today.

The history is not rewritten and the stack's settings in the checkout are not changed, so a rollback can be rolled back.
"""

import re
import shutil
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

from delivery import CommandError, earlier, stack, updates
from delivery.earlier import App
from delivery.updates import PROJECT, Update

_MESSAGE = re.compile(r"roll back to update \d+ \(commit \w+\) from update (?P<left>\d+)")
_HISTORY = "python -m delivery history   tells which there are"

# What a step may do to any resource; all other operations end one.
_HARMLESS = {"same", "read", "refresh", "create", "update", "import"}
# What may go with its resource in the state: a built image stays in the registry (components.images), and a secret on
# GitHub is written over (components.github).
_EXPENDABLE = re.compile(
    r"docker-build:index:Image|github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret|pulumi:providers:.+"
)


@dataclass(frozen=True)
class Rollback:
    """Of a stack, from its last update to an earlier one, and the app of that one; verified: whether it was proven."""

    stack: str
    current: Update
    target: Update
    verified: bool
    app: App

    @property
    def message(self) -> str:
        """What the history says of it."""
        target = f"update {self.target.version} (commit {self.app.commit[:7]})"
        return f"roll back to {target} from update {self.current.version}"


Goal: TypeAlias = int | Literal["verified"] | None


def roll_back(name: str, to: Goal, how: Literal["preview", "ask", "yes"], tell: Callable[[str], None]) -> None:
    """Goes back to an update of a stack, once the way there is proven safe.

    to: its version, the last one before the current one that was verified, or (None) the last good one.
    how: to end with the preview, to ask on the terminal before the update, or to apply it. tell: is told each proof.

    Raises CommandError where it refuses, and then nothing was changed, and where the update fails.
    """
    if how == "ask" and not sys.stdin.isatty():
        raise CommandError("There is nobody here to ask.\n    --yes   to apply it, or --preview to look")
    chosen = choose(name, to)
    tell(f"back to update {chosen.target.version} of stack {name} from update {chosen.current.version}")
    for proof in proofs(chosen):
        tell(proof)
    with settings_file(chosen) as file:
        steps = stack.preview(name, file)
        changed = changes(steps)
        tell("ok    the preview deletes and replaces nothing")
        if not changed:
            tell(f"Nothing to change: the app is that of update {chosen.target.version}.")
            return
        for change in changed:
            tell(f"      {change}")
        if how == "yes":
            stack.up(name, file, chosen.message, "--yes", "--skip-preview", "--non-interactive")
        elif how == "ask":
            stack.up(name, file, chosen.message)


def choose(name: str, to: Goal) -> Rollback:
    """The update to go back to: a version, or the last before the current one that was good.

    Good is what was verified; where that is nothing, what succeeded, and was not left by a rollback since.

    Raises CommandError where there is none, or no way back to it.
    """
    made = [update for update in updates.read(name) if update.kind == "update"]
    if not made:
        raise CommandError(f"Stack {name} was never brought up.\n    pulumi up --stack {name}")
    verified = updates.verified(name)
    if isinstance(to, int):
        target = next((update for update in made if update.version == to), None)
    else:
        target = _good(made, verified)
        if to == "verified" and target and target.version not in verified:
            target = None
    if target is None:
        what = f"no update {to}" if isinstance(to, int) else f"no earlier update that was {to or 'good'}"
        raise CommandError(f"Stack {name} has {what}.\n    {_HISTORY}")
    return Rollback(name, made[0], target, target.version in verified, earlier.find(name, target))


def proofs(rollback: Rollback) -> Sequence[str]:
    """What was found out about the way back, a line each."""
    target, app = rollback.target, rollback.app
    when = target.time[:16].replace("T", " ")
    trust = "was verified" if rollback.verified else "was never verified"
    lines = [
        f"{'ok  ' if rollback.verified else 'note'}  update {target.version} of {when} succeeded and {trust}: "
        f"{_first_line(target.message)}",
        f"ok    commit {app.commit[:7]} is in this checkout, and {app.path} in it",
    ]
    if rollback.current.result == "failed":
        lines.append(f"note  update {rollback.current.version} failed, and a release that fails takes itself back")
    if target.dirty:
        lines.append(
            f"note  update {target.version} was made with files that no commit has; its chart values may be such"
        )
    for name, image in app.images.items():
        is_exact = "@sha256:" in image
        told = "" if is_exact else ", a tag: the image that it names today"
        lines.append(f"{'ok  ' if is_exact else 'note'}  {name} {image}{told}")
    if app.source == "pinned":
        lines.append("n/a   whether the registry still has them was not asked")
    return lines


def changes(steps: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """What a preview would change, a line for each resource, without any value.

    Raises CommandError where that ends anything: a rollback of the app only ever makes and updates.
    """
    ended = [step for step in steps if step["op"] not in _HARMLESS and not _may_go(step)]
    if ended:
        told = "\n".join(f"    {step['op']} {stack.resource_of(step['urn'])}" for step in ended)
        raise CommandError(
            f"The preview deletes or replaces more than an app, and nothing was changed:\n{told}\n"
            "    pulumi up   first, where that is what the settings of today ask for"
        )
    return [
        f"{step['op']} {stack.resource_of(step['urn'])}"
        for step in steps
        if step["op"] not in ("same", "read", "refresh")
    ]


@contextmanager
def settings_file(rollback: Rollback) -> Generator[Path]:
    """The stack's settings of today with the earlier app's in them, as a file, and the chart values that it names.

    Both are there until the block is done. Secrets stay encrypted, as they are in the stack's own file.

    Raises CommandError where the stack has no file.
    """
    own = Path(f"Pulumi.{rollback.stack.rpartition('/')[2]}.yaml")
    try:
        document = yaml.safe_load(own.read_text(encoding="utf-8"))
        document["config"] |= {f"{PROJECT}:{key}": value for key, value in _settings(rollback.app).items()}
    except FileNotFoundError:
        raise CommandError(f"There is no {own} here.\n    cd PROJECT   to where Pulumi.yaml is") from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError):
        raise CommandError(f"{own} is no file of a stack's settings.\n    git checkout {own}") from None
    file = earlier.FOLDER / own.name
    try:
        rollback.app.values_file.parent.mkdir(parents=True, exist_ok=True)
        rollback.app.values_file.write_text(rollback.app.values, encoding="utf-8")
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        yield file
    finally:
        shutil.rmtree(earlier.FOLDER, ignore_errors=True)


def _good(made: Sequence[Update], verified: Sequence[int]) -> Update | None:
    left = {int(found["left"]) for update in made if (found := _MESSAGE.fullmatch(update.message))}
    candidates = [update for update in made[1:] if update.result == "succeeded" and update.version not in left]
    return next((update for update in candidates if update.version in verified), next(iter(candidates), None))


def _settings(app: App) -> Mapping[str, str]:
    images = {f"{name}Image": image for name, image in app.images.items()}
    # The images ran before: what is known of them today must not keep the cluster on a release that is broken.
    return {"imageSource": app.source, "imageScan": "", "valuesFile": str(app.values_file), **images}


def _may_go(step: Mapping[str, Any]) -> bool:
    state = step.get("oldState") or step["newState"]
    return bool(_EXPENDABLE.fullmatch(state["type"])) and not state.get("protect")


def _first_line(message: str) -> str:
    return message.partition("\n")[0]
