"""The user's cache of tools, shared by all checkouts: folders that appear complete or not at all."""

import fcntl
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .progress import Echo

_STAGING = ".staging-"


@dataclass(frozen=True)
class Cache:
    root: Path

    @contextmanager
    def locked(self, echo: Echo) -> Generator[None]:
        """Wait for other bootstraps, which would build the same. The lock ends with the process."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                echo("waiting for another bootstrap to end")
                fcntl.flock(lock, fcntl.LOCK_EX)
            for left in self.root.glob(f"{_STAGING}*"):  # from a run that was killed
                shutil.rmtree(left, ignore_errors=True)
            yield

    @contextmanager
    def staging(self) -> Generator[Path]:
        """Yield a folder to prepare an entry in, and remove what `publish` did not take."""
        folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, staged: Path, entry: str) -> Path:
        """Move the folder `staged` to the entry of that name, atomically, and return the entry's path."""
        path = self.root / entry
        shutil.rmtree(path, ignore_errors=True)
        return staged.rename(path)
