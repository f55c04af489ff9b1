"""Java programs as folders of jars in the cache: from a Maven repository, each as its lock says."""

import hashlib
import time
from pathlib import Path

from .download import UnavailableError
from .errors import BootstrapError
from .pins import Jars
from .progress import elapsed
from .run import Run

LOCK = "jars.sha256"


def entry(jars: Jars, lock: Path) -> str:
    """The program's entry in the cache, which holds the jars side by side."""
    return f"{jars.folder}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"


def download(jars: Jars, lock: Path, run: Run) -> None:
    """Puts the jars that `lock` names (lines of sha256sum, with paths in the repository) into the cache.

    Raises BootstrapError.
    """
    started = time.monotonic()
    locked = [line.split() for line in lock.read_text().splitlines()]
    run.say(f"downloading {jars.folder}, {len(locked)} jars")
    with run.cache.staging() as staging:
        try:
            for sha256, path in locked:
                run.publishers.file(f"{jars.repository}/{path}", sha256, staging)
        except UnavailableError as error:
            raise BootstrapError(
                f"{jars.folder} is to be had from {jars.repository} alone: make it reachable, and run this again."
            ) from error
        run.cache.publish(staging, entry(jars, lock))
    run.say(f"downloaded {jars.folder} in {elapsed(started)}")
