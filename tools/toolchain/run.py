"""What everything in one run of the bootstrap shares."""

from dataclasses import dataclass

from .cache import Cache
from .download import Publishers
from .layout import Layout
from .machine import Platform
from .progress import Say


@dataclass(frozen=True)
class Run:
    layout: Layout
    platform: Platform
    cache: Cache
    publishers: Publishers
    say: Say
