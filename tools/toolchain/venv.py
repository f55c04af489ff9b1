"""The project's Python environment, with the packages that requirements.txt and requirements-dev.txt lock."""

import hashlib
import subprocess
import sys
import time
from pathlib import Path

from .errors import BootstrapError
from .progress import Say, elapsed, show_end

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")


def provide(venv: Path, root: Path, say: Say) -> None:
    """Makes `venv` anew unless it holds what the locks in `root` say, for the Python that runs this.

    Every package comes with its pinned SHA-256 or not at all.
    """
    stamp = venv / "locks.sha256"
    wanted = _fingerprint(root)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    started = time.monotonic()
    say(f"installing the Python packages into {venv.name}")
    # The interpreter that a virtual environment was made with, when this one is the old .venv's own.
    python = getattr(sys, "_base_executable", sys.executable)
    _run([python, "-m", "venv", "--clear", str(venv)], say)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    locks = [argument for name in REQUIREMENTS for argument in ("--requirement", str(root / name))]
    _run([*pip, "install", "--require-hashes", *locks], say)
    stamp.write_text(wanted)
    say(f"installed the Python packages in {elapsed(started)}")


def _fingerprint(root: Path) -> str:
    digest = hashlib.sha256(f"{sys.version}\n{sys.base_prefix}\n".encode())
    for name in REQUIREMENTS:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def _run(command: list[str], say: Say) -> None:
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if answer.returncode != 0:
        show_end(answer.stdout, say)
        raise BootstrapError(f"`{' '.join(command[:4])} …` failed: mend what it says above, and run this again.")
