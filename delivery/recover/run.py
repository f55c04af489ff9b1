"""`python -m delivery recover`: find what blocks a stack's next update, explain it, and repair it after a confirmation.

One problem hides the next: the lock, without which nothing is written; a Helm operation that never ended, and the
provider that may still continue it; pending operations; releases that are only in the state or only in the cluster.
"""

import shlex
from collections.abc import Callable
from typing import Literal

from delivery.engine import stack, stack_config
from delivery.recover import checkpoint, lock, orphans, pending, releases
from delivery.recover.cluster import Cluster
from delivery.recover.finding import Finding
from system.errors import UserError
from system.terminal import require_terminal


def recover(name: str, how: Literal["ask", "yes"], echo: Callable[[str], None]) -> None:
    """Repair one problem after the other, and look again after each.

    how: ask before each repair, or repair everything that needs no confirmation by a person.

    Raises UserError where a problem remains, and where an update is running.
    """
    command = f"python -m delivery recover --stack {name}"
    repaired: list[str] = []
    while finding := find(name):
        echo(_text(finding))
        if finding.problem in repaired:
            raise UserError("The repair did not last: something else causes the problem again.")
        if how == "yes" and finding.confirm:
            raise UserError("Only a person can confirm this, so --yes does not cover it.", command)
        if how == "ask":
            require_terminal(f"{command} --yes")
            _require_consent(finding)
        finding.repair()
        echo("done\n")
        repaired.append(finding.problem)
    echo("Nothing is stuck." + (f"\nhint: pulumi up --stack {name}" if repaired else ""))


def find(name: str) -> Finding | None:
    """Return the first problem that blocks an update of a stack.

    Writes nothing, but takes the lock for a moment, where the backend is not Pulumi Cloud, to learn who holds it.

    Raises UserError where an update is running, where the state cannot be read, where the cluster is unreachable, and
    where the preview fails.
    """
    if locked := lock.find(name):
        return locked
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


def _require_consent(finding: Finding) -> None:
    question = "Did you check this, and do you want the repair?" if finding.confirm else "Do you want the repair?"
    try:
        answer = input(f"{question} [y/N] ")
    except (EOFError, KeyboardInterrupt):
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise UserError("Nothing was repaired.")


def _text(finding: Finding) -> str:
    parts = {
        "problem": finding.problem,
        "cause": finding.cause,
        "action": finding.action,
        "command": shlex.join(finding.command),
        "check": finding.confirm or "",
    }
    return "\n".join(f"{part:<8} {line}" for part, text in parts.items() for line in text.splitlines())
