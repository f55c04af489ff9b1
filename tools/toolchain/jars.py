"""Download Java programs from a Maven repository, as folders of locked jars in the cache."""

import hashlib
import time
from pathlib import Path

from system.errors import UserError

from .download import UnavailableError
from .pins import Jars
from .progress import elapsed
from .run import Run

LOCK = "jars.sha256"


def entry(jars: Jars, lock: Path) -> str:
    """Return the name of the program's entry in the cache, a folder of jars."""
    return f"{jars.folder}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"


def download(jars: Jars, lock: Path, run: Run) -> None:
    """Put the jars of `lock` (lines of sha256sum, with paths in the repository) into the cache. Raises UserError."""
    started = time.monotonic()
    locked = [line.split() for line in lock.read_text().splitlines()]
    run.echo(f"downloading {jars.folder}, {len(locked)} jars")
    with run.cache.staging() as staging:
        try:
            for sha256, path in locked:
                run.publishers.file(f"{jars.repository}/{path}", sha256, staging)
        except UnavailableError as error:
            raise UserError(
                f"{jars.folder} cannot be downloaded: {jars.repository}, its only source, is unreachable."
            ) from error
        run.cache.publish(staging, entry(jars, lock))
    run.echo(f"downloaded {jars.folder} in {elapsed(started)}")
