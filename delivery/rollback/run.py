"""`python -m delivery rollback`: a new update with the app of a past one, or with all of it.

History is not rewritten and the settings in the checkout are not changed, so a rollback can be rolled back.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from delivery.engine import stack
from delivery.history import updates
from delivery.rollback import destructive, plan, preflight
from delivery.rollback.plan import Extent, Rollback, Target
from delivery.rollback.workspace import prepared
from system.terminal import require_terminal

How = Literal["preview", "ask", "yes"]
_APP = Extent()


def roll_back(name: str, to: Target, how: How, echo: Callable[[str], None], extent: Extent = _APP) -> None:
    """Roll a stack back to a past update, after the preflight checks.

    how: stop after the preview, let the engine ask for confirmation, or apply without.

    Raises UserError where a check fails, and then nothing was changed, and where the update fails.
    """
    if how == "ask":
        require_terminal(f"python -m delivery rollback --stack {name} --yes")
    chosen = plan.choose(name, to, extent)
    updates.require_clock(chosen.current, datetime.now(UTC))
    full = " in full" if extent.scope == "full" else ""
    echo(f"rollback{full} of stack {name} from update {chosen.current.version} to update {chosen.target.version}")
    for line in preflight.lines(chosen):
        echo(line)
    _apply(chosen, how, echo)


def _apply(chosen: Rollback, how: How, echo: Callable[[str], None]) -> None:
    with prepared(chosen, echo) as workspace:
        steps = stack.preview(chosen.stack, workspace.config_file, workspace.program)
        changes = destructive.changes(steps, chosen.extent.scope)
        echo("ok    the preview has no destructive change")
        if not changes:
            echo(f"Nothing to change: update {chosen.target.version} is what runs.")
            return
        for change in changes:
            echo(f"      {change}")
        confirmed = ["--yes", "--skip-preview", "--non-interactive"] if how == "yes" else []
        if how != "preview":
            stack.up(chosen.stack, workspace.config_file, chosen.message, *confirmed, program=workspace.program)
