"""Back to an earlier update, by a new one: to its app, with all else as it is today, or in full, to all that it was.

The history is not rewritten and the stack's settings in the checkout are not changed, so a rollback can be rolled back.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from delivery.engine import stack
from delivery.history import updates
from delivery.rollback import destructive, plan, preflight
from delivery.rollback.plan import Extent, Goal, Rollback
from delivery.rollback.workspace import restored
from system.errors import UserError

How = Literal["preview", "ask", "yes"]
_THE_APP = Extent()


def roll_back(
    name: str,
    to: Goal,
    how: How,
    tell: Callable[[str], None],
    extent: Extent = _THE_APP,
) -> None:
    """Goes back to an update of a stack, once the way there is proven safe.

    to: its version, the last one before the current one that was verified, or (None) the last good one.
    how: to end with the preview, to ask on the terminal before the update, or to apply it. tell: is told each proof.
    extent: how much goes back, by default the app alone.

    Raises UserError where it refuses, and then nothing was changed, and where the update fails.
    """
    if how == "ask" and not sys.stdin.isatty():
        raise UserError("There is nobody here to ask.\n    --yes   to apply it, or --preview to look")
    chosen = plan.choose(name, to, extent)
    updates.require_clock(chosen.current, datetime.now(UTC))
    full = "in full " if extent.scope == "full" else ""
    tell(f"back {full}to update {chosen.target.version} of stack {name} from update {chosen.current.version}")
    for line in preflight.lines(chosen):
        tell(line)
    _apply(chosen, how, tell)


def _apply(chosen: Rollback, how: How, tell: Callable[[str], None]) -> None:
    with restored(chosen, tell) as what:
        changed = destructive.changes(stack.preview(chosen.stack, what.settings, what.program), chosen.extent.scope)
        tell("ok    the preview deletes and replaces nothing that is to stay")
        if not changed:
            tell(f"Nothing to change: what runs is that of update {chosen.target.version}.")
            return
        for change in changed:
            tell(f"      {change}")
        confirmed = ["--yes", "--skip-preview", "--non-interactive"] if how == "yes" else []
        if how != "preview":
            stack.up(chosen.stack, what.settings, chosen.message, *confirmed, program=what.program)
