"""Check for what must exist before the work starts."""

import importlib.util
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from system.errors import UserError

from .build import Build
from .go import MINIMUM, Go
from .pins import Runtime

_GIGABYTE = 1000**3
_DISK_OF_A_SECOND = 0.006  # GB for each second of a build: sources, Go's cache, executables


def require(problems: Sequence[UserError]) -> None:
    """Raise the problem, or a group of several."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise ExceptionGroup("the toolchain cannot be provided", problems)


def of_python() -> list[UserError]:
    """Return an error for parts of the standard library that distributions package separately."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if not missing:
        return []
    return [UserError(f"This Python has no {' and no '.join(missing)}.", "sudo apt-get install python3-venv")]


def of_runtimes(runtimes: Sequence[Runtime], search_path: str) -> list[UserError]:
    """Return an error for each runtime that is missing or too old."""
    found = [(runtime, shutil.which(runtime.command, path=search_path)) for runtime in runtimes]
    majors = [(runtime, path, _major_version(path) if path else None) for runtime, path in found]
    return [
        UserError(
            f"{runtime.title} {runtime.minimum} or newer is needed, and "
            f"{'none on PATH works' if major is None else f'{path} is {major}'}; {runtime.guide} shows how "
            "to install it."
        )
        for runtime, path, major in majors
        if major is None or major < runtime.minimum
    ]


def of_files(paths: Sequence[Path]) -> list[UserError]:
    """Return an error for each file of the project that is missing."""
    return [
        UserError(f"{path} is missing.", f"git checkout -- {shlex.quote(str(path))}")
        for path in paths
        if not path.is_file()
    ]


def _major_version(path: str) -> int | None:
    """Return the first number in the command's output."""
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"\d+", answer.stdout)
    return int(number[0]) if number and answer.returncode == 0 else None


def of_building(names: Sequence[str], builds: Sequence[Build], go: Go) -> list[UserError]:
    """Return an error where Go cannot make `names`, or the disk has no room for `builds`."""
    if not names:
        return []
    if go.version >= MINIMUM:
        return _of_disk(builds, go.build_cache)
    needed = ".".join(map(str, MINIMUM))
    found = f"{go.command} is Go {'.'.join(map(str, go.version))}" if go.version else "none on PATH works"
    return [
        UserError(
            f"Go {needed} or newer is needed to build {', '.join(names)}, and {found}; https://go.dev/dl/ shows how to "
            "install it."
        )
    ]


def _of_disk(builds: Sequence[Build], folder: Path) -> list[UserError]:
    needed = _DISK_OF_A_SECOND * sum(build.module.seconds for build in builds)
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free / _GIGABYTE
    if free >= needed:
        return []
    return [
        UserError(
            f"The builds need {needed:.1f} GB, and the disk of {existing} has {free:.1f} GB free.",
            "export GOCACHE=FOLDER_ON_ANOTHER_DISK",
        )
    ]
