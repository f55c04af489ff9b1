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
        for role in ("AUTHOR", "COMMITTER"):
            monkeypatch.setenv(f"GIT_{role}_NAME", "Ann")
            monkeypatch.setenv(f"GIT_{role}_EMAIL", "ann@example.com")
        self.git("init", "--quiet", "--initial-branch=main")

    def commit(self, files: Mapping[str, str]) -> str:
        """Commit files, as {path: text}, and return the commit."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--date=2020-01-01T00:00:00Z", "--message=…")
        return self.git("rev-parse", "HEAD")

    def check_out(self, commit: str) -> None:
        self.git("checkout", "--quiet", commit)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()
