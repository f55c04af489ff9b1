"""The Python environment of a folder, with the packages that its requirements.txt and requirements-dev.txt lock."""

import hashlib
import sys
import time
from pathlib import Path

from . import command
from .progress import Say, elapsed

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")


def provide(folder: Path, say: Say) -> None:
    """Makes `folder`/.venv anew unless it holds what the locks in `folder` say, for the Python that runs this.

    Every package comes with its pinned SHA-256 or not at all. Raises BootstrapError.
    """
    venv = folder / ".venv"
    stamp = venv / "locks.sha256"
    wanted = _fingerprint(folder)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    started = time.monotonic()
    say(f"installing the Python packages into {venv}")
    # The interpreter that a virtual environment was made with, when this one is the old .venv's own.
    python = getattr(sys, "_base_executable", sys.executable)
    command.run([python, "-m", "venv", "--clear", str(venv)], say)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    locks = [argument for name in REQUIREMENTS for argument in ("--requirement", str(folder / name))]
    # No other dependencies: the locks hold what is wanted, and leave out on purpose what a package asks for in vain.
    command.run([*pip, "install", "--require-hashes", "--no-deps", *locks], say)
    stamp.write_text(wanted)
    say(f"installed the Python packages in {elapsed(started)}")


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n".encode())
    for name in REQUIREMENTS:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()
