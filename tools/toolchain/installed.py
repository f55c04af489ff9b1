"""Find tools that the user has installed."""

import re
import shutil
import subprocess
from pathlib import Path

from .pins import Tool

_VERSION = re.compile(r"\bv?(\d+\.\d+\.\d+[^\s\",)]*)")
_TIMEOUT = 10.0  # seconds


def find(tool: Tool, search_path: str) -> Path | None:
    """Return the tool on `search_path` if it has exactly the pinned version and its companions beside it."""
    found = shutil.which(tool.name, path=search_path)
    if found is None:
        return None
    path = Path(found).resolve()
    complete = all(path.with_name(name).exists() for name in tool.beside)
    return path if complete and _version(path, tool.ask) == tool.version else None


def _version(path: Path, ask: tuple[str, ...]) -> str | None:
    """Return the first version in the executable's output, without a leading v."""
    try:
        answer = subprocess.run(
            [path, *ask], capture_output=True, text=True, errors="replace", check=False, timeout=_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(answer.stdout + answer.stderr)
    return version[1] if version else None
