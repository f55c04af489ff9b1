"""A git checkout of a project."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest


class Checkout:
    """A project in the working folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        self.folder = folder
        monkeypatch.chdir(folder)
        # Without the hooks, signing and name of the user who runs the tests.
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
        self._git("init", "--quiet")

    def commit(self, files: Mapping[str, str]) -> str:
        """Commit files, as {path: text}, and return the commit."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self._git("add", "--all")
        self._git("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "commit", "--quiet", "--message", "…")
        return self._git("rev-parse", "HEAD")

    def check_out(self, commit: str) -> None:
        self._git("checkout", "--quiet", commit)

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()
