"""Programs of the system's packages: what is installed, else what apt-get installs."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from .apt import Apt
from .errors import BootstrapError
from .layout import Layout
from .pins import Programs
from .progress import Say, elapsed


def find(programs: Programs, layout: Layout) -> dict[str, Path] | None:
    """Where the programs are, by their names here; None where they are not.

    Raises BootstrapError where the user's own choice is no program.
    """
    own_names = programs.names[0]
    if chosen := layout.environment.get(programs.variable):
        if not _is_program(Path(chosen)):
            raise BootstrapError(f"{programs.variable} names {chosen}, which is no program: correct it, or unset it.")
        return {own_names[0]: Path(chosen)}
    for names in programs.names:
        for folder in _folders(programs, layout):
            paths = [folder / name for name in names]
            if all(map(_is_program, paths)):
                return dict(zip(own_names, paths, strict=True))
    return None


def problems(missing: Sequence[Programs]) -> list[str]:
    """What the user has to install."""
    return [
        f"{programs.title} is missing: install it "
        f"(Debian and Ubuntu: sudo apt-get install {programs.apt}; macOS: brew install {programs.brew})."
        for programs in missing
    ]


def install(missing: Sequence[Programs], apt: Apt, say: Say) -> None:
    """Installs what is missing. Raises BootstrapError."""
    started = time.monotonic()
    packages = [programs.apt for programs in missing]
    say(f"installing {', '.join(packages)} with apt-get")
    apt.install(packages, say)
    say(f"installed {', '.join(packages)} in {elapsed(started)}")


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _folders(programs: Programs, layout: Layout) -> Iterator[Path]:
    yield from (Path(folder) for folder in layout.search_path.split(os.pathsep) if folder)
    for pattern in programs.folders:
        yield from sorted(layout.system.glob(pattern), key=_numbers, reverse=True)


def _numbers(folder: Path) -> list[int]:
    """The version in a folder's name, so that 15 is older than 16 and newer than 9.6."""
    return [int(number) for number in re.findall(r"\d+", str(folder))]
