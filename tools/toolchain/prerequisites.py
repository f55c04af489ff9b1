"""What must be there before the work starts: sentences that say what is missing and what mends it."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .build import Build
from .errors import BootstrapError
from .go import MINIMUM, Go
from .pins import Runtime

_GIGABYTE = 1000**3
_DISK_OF_A_SECOND = 0.006  # GB for each second that building a module takes: sources, what is compiled, executables


def require(problems: Sequence[str]) -> None:
    """Raises BootstrapError where there are any."""
    if problems:
        raise BootstrapError("\n".join(problems))


def of_python() -> list[str]:
    """The parts of the standard library that distributions pack apart."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if not missing:
        return []
    return [f"this Python has no {' and no '.join(missing)}: install it (Debian and Ubuntu: apt install python3-venv)."]


def of_runtimes(runtimes: Sequence[Runtime], search_path: str) -> list[str]:
    """Those that are missing or too old."""
    found = [(runtime, shutil.which(runtime.command, path=search_path)) for runtime in runtimes]
    majors = [(runtime, path, _major_version(path) if path else None) for runtime, path in found]
    return [
        f"{runtime.title} {runtime.minimum} or newer is needed, and "
        f"{'there is none on PATH that works' if major is None else f'{path} is {major}'}: {runtime.mend}."
        for runtime, path, major in majors
        if major is None or major < runtime.minimum
    ]


def of_files(paths: Sequence[Path]) -> list[str]:
    """Files of the project that are not there."""
    return [f"{path} is missing: put it back (git checkout -- {path})." for path in paths if not path.is_file()]


def _major_version(path: str) -> int | None:
    """The first number in the command's answer; None where it has none."""
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"\d+", answer.stdout)
    return int(number[0]) if number and answer.returncode == 0 else None


def of_building(what: Sequence[str], builds: Sequence[Build], go: Go) -> list[str]:
    """A Go that can build, and room for `builds`, where there is something (`what`) that only Go makes."""
    if not what:
        return []
    if go.version >= MINIMUM:
        return _of_disk(builds, go.build_cache)
    needed = ".".join(map(str, MINIMUM))
    found = f"{go.command} is Go {'.'.join(map(str, go.version))}" if go.version else "there is none on PATH that works"
    mend = "install it from https://go.dev/dl/"
    return [f"{', '.join(what)} must be built here, which takes Go {needed} or newer, and {found}: {mend}."]


def _of_disk(builds: Sequence[Build], folder: Path) -> list[str]:
    needed = _DISK_OF_A_SECOND * sum(build.module.seconds for build in builds)
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free / _GIGABYTE
    if free >= needed:
        return []
    mend = "make room there, or let GOCACHE name a folder on another disk"
    return [f"building takes {needed:.1f} GB and the disk of {existing} has {free:.1f} GB free: {mend}."]
