"""Superseded commits: a run of a workflow can reach the stack after the run of a newer commit."""

from collections.abc import Mapping

from delivery.ci import summary
from delivery.history import updates
from system import git


def check(stack: str, environment: Mapping[str, str]) -> str | None:
    """Write the step's output `superseded`, and return the newer update in a sentence. Raises UserError."""
    newer = _newer_update(stack)
    summary.set_output(environment, "superseded", "true" if newer else "false")
    if newer:
        summary.add(environment, "Superseded", newer)
    return newer


def _newer_update(stack: str) -> str | None:
    last = updates.last_update(stack)
    here = (git.output("rev-parse", "HEAD") or "").strip()
    if last is None or last.commit in (None, here) or not git.is_ancestor(here, last.commit):
        return None
    deployed = f"Update {last.version} of stack {stack} already deployed commit {last.short_commit}"
    return f"{deployed}, which contains {here[:7]}."
