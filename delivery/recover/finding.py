"""One problem that blocks a stack's next update."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A problem with its repair."""

    problem: str
    """Identifies the finding: the same text after a repair means that the repair did not help."""
    cause: str
    action: str
    """What the repair does."""
    command: Sequence[str]
    """The repair as a user would type it."""
    repair: Callable[[], None]
    """Raises UserError."""
    confirm: str | None = None
    """A question that only a person can answer before the repair, like "whether the update still runs"."""
