"""Whether a commit comes too late: runs of a workflow may reach the stack in another order than their commits."""

from delivery.history import updates
from system import git


def find(name: str) -> str:
    """Which update of a stack was made from a later commit than the one that is checked out, as a sentence; else empty.

    Raises UserError.
    """
    last = updates.last_update(name)
    here = (git.output("rev-parse", "HEAD") or "").strip()
    if last is None or last.commit in ("", here) or not git.is_ancestor(here, last.commit):
        return ""
    return (
        f"Update {last.version} of stack {name} was made from commit {last.commit[:7]}, which has commit {here[:7]} in "
        "it: nothing is brought up."
    )
