"""The Go on this machine."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MINIMUM = (1, 26)
"""The newest Go that a go.mod under tools/go asks for."""


@dataclass(frozen=True)
class Go:
    """The go command."""

    command: str
    version: tuple[int, ...]  # empty where no Go works
    build_cache: Path

    @classmethod
    def find(cls, search_path: str, modules: Path) -> "Go":
        """Return the Go on `search_path`, with the version that it uses in a pinned module's folder."""
        command = shutil.which("go", path=search_path)
        if command is None:
            return cls("go", (), Path())
        answer = subprocess.run(
            [command, "env", "GOVERSION", "GOCACHE"],
            cwd=next(path for path in modules.iterdir() if path.is_dir()),
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        match answer.stdout.split("\n"):
            case [version, build_cache, *_]:
                return cls(command, tuple(map(int, re.findall(r"\d+", version)[:3])), Path(build_cache))
            case _:
                return cls(command, (), Path())


def environment() -> dict[str, str]:
    """Return the environment of go commands: the user's, without cgo and without a Go workspace."""
    return os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"}
