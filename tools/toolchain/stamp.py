"""Whether the last run is still current, decided without starting a process."""

import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .layout import Layout


@dataclass(frozen=True)
class Stamp:
    """A file with a hash of everything that a run read and provided."""

    path: Path
    facts: Sequence[object]
    inputs: Sequence[Path]
    outputs: Sequence[Path]

    def is_current(self) -> bool:
        """Return whether everything provided, and everything it was made from, is unchanged."""
        return self.path.is_file() and self.path.read_text() == self._state()

    def write(self) -> None:
        """Record the current state."""
        state = self._state()
        if state is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(state)

    def _state(self) -> str | None:
        """Return a hash of the inputs and of the outputs' sizes and times, or None where a file is missing."""
        digest = hashlib.sha256("\n".join(map(str, (sys.version, sys.base_prefix, *self.facts))).encode())
        for path in self.inputs:
            if not path.is_file():
                return None
            digest.update(f"{path}\n".encode() + path.read_bytes())
        for path in self.outputs:
            if not path.exists():  # follows links
                return None
            status = path.stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
        return digest.hexdigest()


def own_inputs(layout: Layout) -> Iterable[Path]:
    """Return the files of the bootstrap itself, and of the Go modules that it builds."""
    for folder in (Path(__file__).parent, layout.modules):
        yield from sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".mod", ".sum", ".go"))
