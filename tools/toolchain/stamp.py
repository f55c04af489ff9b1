"""Whether an earlier run's work still stands, told without starting a single process."""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from . import engine
from .layout import Layout
from .machine import Platform
from .pins import Pins
from .venv import REQUIREMENTS


def is_current(layout: Layout, pins: Pins, platform: Platform) -> bool:
    """Whether everything provided is in its place and unchanged, and so is everything it was made from."""
    stamp = layout.provided / "stamp"
    return stamp.is_file() and stamp.read_text() == _state(layout, pins, platform)


def write(layout: Layout, pins: Pins, platform: Platform) -> None:
    """Says that all is provided as of now."""
    state = _state(layout, pins, platform)
    if state is not None:
        (layout.provided / "stamp").write_text(state)


def _state(layout: Layout, pins: Pins, platform: Platform) -> str | None:
    """A hash of all that the bootstrap reads, and the sizes and times of what it provides; None if some is missing."""
    digest = hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n{platform}\n{pins}\n".encode())
    for path in _inputs(layout):
        digest.update(f"{path}\n".encode() + path.read_bytes())
    for path in _outputs(layout, pins):
        if not path.exists():  # nor where a link leads
            return None
        status = path.stat()
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _inputs(layout: Layout) -> Iterable[Path]:
    for folder in (Path(__file__).parent, layout.modules):
        yield from sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".mod", ".sum", ".go"))
    for name in REQUIREMENTS:
        yield layout.root / name


def _outputs(layout: Layout, pins: Pins) -> Iterable[Path]:
    for tool in pins.tools:
        yield layout.bin / tool.name
    yield layout.bin / layout.language_host.name
    yield engine.plugin_path(pins.plugin, layout.plugins)
    yield layout.charts / pins.chart.name / "Chart.yaml"
    yield layout.venv / "bin" / "python"
