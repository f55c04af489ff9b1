"""Tools that the user has installed already."""

import re
import shutil
import subprocess
from pathlib import Path

from .pins import Tool

_VERSION = re.compile(r"\bv?(\d+\.\d+\.\d+[^\s\",)]*)")
_PATIENCE = 10.0  # seconds


def find(tool: Tool, search_path: str) -> Path | None:
    """The tool on `search_path`, if it is of exactly the pinned version and has beside it what belongs there."""
    found = shutil.which(tool.name, path=search_path)
    if found is None:
        return None
    path = Path(found).resolve()
    complete = all(path.with_name(name).exists() for name in tool.beside)
    return path if complete and _version(path, tool.ask) == tool.version else None


def _version(path: Path, ask: tuple[str, ...]) -> str | None:
    """The first version in the executable's answer, without a leading v."""
    try:
        answer = subprocess.run(
            [path, *ask], capture_output=True, text=True, errors="replace", check=False, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(answer.stdout + answer.stderr)
    return version[1] if version else None
