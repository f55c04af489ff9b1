"""One thing that keeps a stack from its next update."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is stuck, how it came to that, and what will be done about it: a sentence or two each.

    command: what does it, as a user would type it. mend: does it, and raises UserError where that fails.
    look: what a person has to look at first, because nobody else can know it; mostly nothing.
    """

    what: str
    cause: str
    plan: str
    command: Sequence[str]
    mend: Callable[[], None]
    look: str = ""
