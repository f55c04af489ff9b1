"""What keeps a stack from its next update: found, explained, and mended once somebody has agreed to it.

In the order in which one thing hides the next: a damaged state, of which nothing can be told; the lock, without which
nothing is written; a release that Helm takes for being changed, and what may still change it; operations that were
never ended; and releases of which the state and the cluster say different.
"""

import shlex
import sys
from collections.abc import Callable
from typing import Literal

from delivery.engine import stack, stack_config
from delivery.recover import checkpoint, corrupt_state, lock, orphans, pending, releases
from delivery.recover.cluster import Cluster
from delivery.recover.finding import Finding
from system.errors import UserError


def recover(name: str, how: Literal["ask", "yes"], tell: Callable[[str], None], agree: Callable[[str], bool]) -> None:
    """Mends what is stuck, one thing after the other, and looks again after each.

    how: to ask for each thing, or to mend all but what a person has to look at first. tell: is told each thing.
    agree: is asked, and says whether to go on.

    Raises UserError where something is left, and where an update is running.
    """
    mended: list[str] = []
    while finding := find(name):
        tell(_told(finding))
        if finding.what in mended:
            raise UserError("That is so again after it was mended: something else does it.")
        _require_consent(finding, how, agree)
        finding.mend()
        tell("done\n")
        mended.append(finding.what)
    tell("Nothing is stuck." + (f"\n    pulumi up --stack {name}   goes on from here" if mended else ""))


def find(name: str) -> Finding | None:
    """The first thing in the way of an update of a stack, or None where nothing is.

    To ask who holds the lock takes it for a moment, where the state is not in Pulumi Cloud; else nothing is written.

    Raises UserError where an update is running, where the cluster does not answer, and where there is no preview.
    """
    if in_the_way := corrupt_state.find(name) or lock.find(name):
        return in_the_way
    state, cluster = checkpoint.read(name), Cluster(name)
    unfinished = releases.find_unfinished(name, state, cluster)
    return (
        (unfinished and orphans.find())
        or unfinished
        or pending.find(name, state)
        or releases.find_missing(name, state, cluster)
        or releases.find_unknown(name, state, _planned(name), cluster)
    )


def _planned(name: str) -> list[checkpoint.Resource]:
    steps = stack.preview(name, stack_config.stack_file(name))
    return [checkpoint.resource(step["newState"]) for step in steps if step["op"] == "create"]


def _require_consent(finding: Finding, how: Literal["ask", "yes"], agree: Callable[[str], bool]) -> None:
    if how == "yes":
        if finding.look:
            raise UserError(
                "Somebody has to look first, so --yes is not enough.\n"
                "    python -m delivery recover   asks whether you have"
            )
        return
    if not sys.stdin.isatty():
        raise UserError("There is nobody here to ask.\n    --yes   to mend it")
    try:
        agreed = agree("Have you looked, and is it to be done?" if finding.look else "Is it to be done?")
    except (EOFError, KeyboardInterrupt):
        agreed = False
    if not agreed:
        raise UserError("Nothing was done about it.")


def _told(finding: Finding) -> str:
    parts = {"stuck": finding.what, "why": finding.cause, "mend": finding.plan, "by": shlex.join(finding.command)}
    if finding.look:
        parts["first"] = f"look {finding.look}"
    return "\n".join(f"{part:<5} {line}" for part, text in parts.items() for line in text.splitlines())
