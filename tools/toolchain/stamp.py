"""Whether an earlier run's work still stands, told without starting a single process."""

import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .layout import Layout


@dataclass(frozen=True)
class Stamp:
    """A file that says that all `outputs` were provided from all `inputs`, where `facts` were so."""

    path: Path
    facts: Sequence[object]
    inputs: Sequence[Path]
    outputs: Sequence[Path]

    def is_current(self) -> bool:
        """Whether everything provided is in its place and unchanged, and so is everything it was made from."""
        return self.path.is_file() and self.path.read_text() == self._state()

    def write(self) -> None:
        """Says that all is provided as of now."""
        state = self._state()
        if state is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(state)

    def _state(self) -> str | None:
        """A hash of what is read, and of the sizes and times of what is provided; None if some of it is missing."""
        digest = hashlib.sha256("\n".join(map(str, (sys.version, sys.base_prefix, *self.facts))).encode())
        for path in self.inputs:
            if not path.is_file():
                return None
            digest.update(f"{path}\n".encode() + path.read_bytes())
        for path in self.outputs:
            if not path.exists():  # nor where a link leads
                return None
            status = path.stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
        return digest.hexdigest()


def own_inputs(layout: Layout) -> Iterable[Path]:
    """The bootstrap itself, and the Go modules that it builds."""
    for folder in (Path(__file__).parent, layout.modules):
        yield from sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".mod", ".sum", ".go"))
