"""The user's cache of tools, shared by all checkouts: folders that appear complete or not at all."""

import fcntl
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .progress import Say

_STAGING = ".staging-"


@dataclass(frozen=True)
class Cache:
    root: Path

    @contextmanager
    def locked(self, say: Say) -> Generator[None]:
        """Keeps other bootstraps out: two at once would build the same for twice the time. Ends with the process."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another bootstrap is at work; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            for left in self.root.glob(f"{_STAGING}*"):  # of a run that was killed
                shutil.rmtree(left, ignore_errors=True)
            yield

    @contextmanager
    def staging(self) -> Generator[Path]:
        """A folder to prepare an entry in; what `publish` does not take is removed, however the work ends."""
        folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, staged: Path, entry: str) -> Path:
        """Makes the prepared folder `staged` the entry of that name, at once, and returns the entry's path."""
        path = self.root / entry
        shutil.rmtree(path, ignore_errors=True)
        return staged.rename(path)
