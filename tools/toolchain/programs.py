"""Find programs of the system's packages, or install them with apt-get."""

import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from system.errors import UserError

from .apt import Apt
from .layout import Layout
from .pins import Programs
from .progress import Echo, elapsed


def find(programs: Programs, layout: Layout) -> dict[str, Path] | None:
    """Return the programs' paths by their names in .tools/bin, or None where they are missing.

    Raises UserError where the user's own path is not a program.
    """
    own_names = programs.names[0]
    if chosen := layout.environment.get(programs.variable):
        if not _is_program(Path(chosen)):
            raise UserError(
                f"{programs.variable} names {chosen}, which is not a program.", f"unset {programs.variable}"
            )
        return {own_names[0]: Path(chosen)}
    for names in programs.names:
        for folder in _folders(programs, layout):
            paths = [folder / name for name in names]
            if all(map(_is_program, paths)):
                return dict(zip(own_names, paths, strict=True))
    return None


def not_installed(programs: Programs) -> UserError:
    """Return the error for a missing package."""
    brew, apt = f"brew install {programs.brew}", f"sudo apt-get install {programs.apt}"
    return UserError(f"{programs.title} is not installed.", brew if sys.platform == "darwin" else apt)


def install(missing: Sequence[Programs], apt: Apt, echo: Echo) -> None:
    """Install what is missing. Raises UserError."""
    started = time.monotonic()
    packages = [programs.apt for programs in missing]
    echo(f"installing {', '.join(packages)} with apt-get")
    apt.install(packages, echo)
    echo(f"installed {', '.join(packages)} in {elapsed(started)}")


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _folders(programs: Programs, layout: Layout) -> Iterator[Path]:
    yield from (Path(folder) for folder in layout.search_path.split(os.pathsep) if folder)
    for pattern in programs.folders:
        yield from sorted(layout.system.glob(pattern), key=_numbers, reverse=True)


def _numbers(folder: Path) -> list[int]:
    """Return the version in a folder's name as numbers: 9.6 sorts before 15."""
    return [int(number) for number in re.findall(r"\d+", str(folder))]
