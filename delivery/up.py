"""An update that is verified, and taken back where it is bad: what the workflow does, at a terminal."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from delivery import report
from delivery.engine import stack, stack_config
from delivery.history import updates
from delivery.history.updates import Update
from delivery.rollback.run import roll_back
from delivery.verify.loop import UnverifiedError
from delivery.verify.run import Result, verify_stack
from system.errors import UserError


def bring_up(name: str, how: Literal["ask", "yes"], tell: Callable[[str], None]) -> None:
    """Updates a stack, verifies it, and goes back to the last verified update where a check fails; then verifies that.

    how: to let the engine ask on the terminal after its preview, or to apply it. tell: is told what came of each part.

    Raises UserError where this machine's clock is behind, and where the update or a check failed, whatever was taken
    back; UnverifiedError where the update succeeded and nothing could be judged.
    """
    if how == "ask" and not sys.stdin.isatty():
        raise UserError("There is nobody here to ask.\n    --yes   to apply it, or `pulumi preview` to look")
    before = _last(name)
    updates.require_clock(before, datetime.now(UTC))
    try:
        stack.up(name, stack_config.stack_file(name), "", *(["--yes", "--non-interactive"] if how == "yes" else []))
    except UserError as error:
        after = _last(name)
        if after is None or (before and after.version == before.version):
            raise UserError(
                "The engine recorded no update; above is what it says of it.\n"
                f"    python -m delivery recover --stack {name}   where it was cut off half-way"
            ) from None
        raise _failed_update(name, after, tell) from error
    _verify_update(name, tell)


def _verify_update(name: str, tell: Callable[[str], None]) -> None:
    made = _version(_last(name))
    verdict = _judged(name, tell)
    again = f"python -m delivery verify --stack {name}"
    match verdict.state:
        case "passed":
            tell(f"\nUpdate {made} of stack {name} succeeded, and is verified.")
        case "unknown":
            raise UnverifiedError(
                f"Update {made} succeeded, and could not be verified; nothing was taken back.\n    {again}"
            )
        case "failed":
            raise _taken_back(name, made, verdict, tell)


def _taken_back(name: str, bad: int, verdict: Result, tell: Callable[[str], None]) -> UserError:
    """The end of an update that does not verify, once its app was rolled back."""
    lines = [f"Update {bad} of stack {name} succeeded, and did not verify: {verdict.reason}"]
    if not set(updates.verified(name)) - {bad}:
        lines += [
            f"No update of stack {name} was verified before, so there is none to go back to: all is left as it is.",
            f"    python -m delivery up --stack {name}   once it is mended",
        ]
        return UserError("\n".join(lines))
    tell(f"\nUpdate {bad} does not verify: back to the last update that did.")
    try:
        _roll_back(name, tell)
    except UserError as error:
        return UserError("\n".join([*lines, f"It was not rolled back: {error}"]))
    second = _judged(name, tell)
    lines.append(f"Rolled back by update {_version(_last(name))}, {_told(second)}")
    if second.state == "passed":
        lines.append(
            f"    python -m delivery up --stack {name}   once it is mended; until then the app is the earlier one"
        )
    else:
        lines.append(f"    python -m delivery history --stack {name}   tells what else there is to go back to")
    return UserError("\n".join(lines))


def _failed_update(name: str, failed: Update, tell: Callable[[str], None]) -> UserError:
    """The end of an update that failed: its release took itself back, and whether it did is looked at."""
    tell(f"\nUpdate {failed.version} failed: whether the app still runs as it did before.")
    verdict = _judged(name, tell)
    lines = [f"Update {failed.version} of stack {name} failed; above is what the engine says of it."]
    match verdict.state:
        case "passed":
            lines += [
                f"The app still runs as {_good(name)} promised: the release took itself back.",
                f"    python -m delivery up --stack {name}   once it is mended",
            ]
        case "failed":
            lines += [
                f"The app does not run as before: {verdict.reason}",
                f"    python -m delivery rollback --stack {name}   back to the last good update",
            ]
        case "unknown":
            lines += [
                f"Whether the app runs as before is not known: {verdict.reason}",
                f"    python -m delivery verify --stack {name}",
            ]
    return UserError("\n".join(lines))


def _judged(name: str, tell: Callable[[str], None]) -> Result:
    verdict = verify_stack(name)
    tell(report.plain(verdict.checks) if verdict.checks else f"not verified: {verdict.reason}")
    return verdict


def _told(verdict: Result) -> str:
    match verdict.state:
        case "passed":
            return "which is verified."
        case "failed":
            return f"which does not verify either: {verdict.reason}"
        case _:
            return f"which could not be verified: {verdict.reason}"


def _roll_back(name: str, tell: Callable[[str], None]) -> None:
    roll_back(name, "verified", "yes", tell)


def _good(name: str) -> str:
    """The last update that succeeded, and whether it was verified."""
    good = next((u for u in updates.read(name) if u.kind == "update" and u.result == "succeeded"), None)
    if good is None:
        return "no update"
    return f"update {good.version}{'' if good.version in updates.verified(name) else ', which was never verified,'}"


def _last(name: str) -> Update | None:
    return next(iter(updates.read(name)), None)


def _version(update: Update | None) -> int:
    return update.version if update else 0
