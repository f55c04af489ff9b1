"""Create the virtual environment of a folder, with the packages that its requirements files lock."""

import hashlib
import sys
import time
from pathlib import Path

from . import command
from .progress import Echo, elapsed

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")


def provide(folder: Path, echo: Echo) -> None:
    """Create `folder`/.venv, unless it is current for the locks in `folder` and for this Python.

    pip verifies each package's locked SHA-256. Raises UserError.
    """
    venv = folder / ".venv"
    stamp = venv / "locks.sha256"
    current = _fingerprint(folder)
    if stamp.exists() and stamp.read_text() == current:
        return
    started = time.monotonic()
    echo(f"installing the Python packages into {venv}")
    # Not the interpreter of the .venv that is about to be replaced.
    python = getattr(sys, "_base_executable", sys.executable)
    command.run([python, "-m", "venv", "--clear", str(venv)], echo)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    locks = [argument for name in REQUIREMENTS for argument in ("--requirement", str(folder / name))]
    # --no-deps: the locks are complete, but for dependencies that backend/pyproject.toml excludes.
    command.run([*pip, "install", "--require-hashes", "--no-deps", *locks], echo)
    stamp.write_text(current)
    echo(f"installed the Python packages in {elapsed(started)}")


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n".encode())
    for name in REQUIREMENTS:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()
