"""One run of the bootstrap, where the last one is not current."""

from collections.abc import Callable
from dataclasses import dataclass

from .cache import Cache
from .download import Publishers
from .layout import Layout
from .machine import Platform
from .progress import Echo
from .stamp import Stamp


@dataclass(frozen=True)
class Run:
    layout: Layout
    platform: Platform
    cache: Cache
    publishers: Publishers
    echo: Echo


def with_stamp(stamp: Stamp, layout: Layout, platform: Platform, echo: Echo, provide: Callable[[Run], None]) -> None:
    """Call `provide` unless the stamp is current, in one process of the user at a time."""
    if not stamp.is_current():
        cache = Cache(layout.cache)
        with cache.locked(echo):
            provide(Run(layout, platform, cache, Publishers(echo), echo))
            stamp.write()
