"""What everything in one run of the bootstrap shares, and when there is need of one."""

from collections.abc import Callable
from dataclasses import dataclass

from .cache import Cache
from .download import Publishers
from .layout import Layout
from .machine import Platform
from .progress import Say
from .stamp import Stamp


@dataclass(frozen=True)
class Run:
    layout: Layout
    platform: Platform
    cache: Cache
    publishers: Publishers
    say: Say


def with_stamp(stamp: Stamp, layout: Layout, platform: Platform, say: Say, provide: Callable[[Run], None]) -> None:
    """Lets `provide` do its work where the stamp does not say that it is done: one process of the user at a time."""
    if not stamp.is_current():
        cache = Cache(layout.cache)
        with cache.locked(say):
            provide(Run(layout, platform, cache, Publishers(say), say))
            stamp.write()
