"""Link and copy files atomically."""

import os
import shutil
import tempfile
from pathlib import Path


def link(path: Path, target: Path) -> None:
    """Make `path` a symbolic link to `target`, atomically: a process that uses it finds the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".staging-", dir=path.parent) as staging:
        staged = Path(staging, path.name)
        staged.symlink_to(target)
        staged.replace(path)


def same_file(path: Path, source: Path) -> None:
    """Make `path` a hard link to `source`, or a copy where that is on another disk, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".staging-", dir=path.parent) as staging:
        staged = Path(staging, path.name)
        try:
            os.link(source, staged)
        except OSError:
            shutil.copy2(source, staged)
        staged.replace(path)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
