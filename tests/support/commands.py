"""Fakes of commands, which record their calls."""

import shlex
from pathlib import Path

import pytest


class StandIn:
    """A command on PATH, before all others."""

    def __init__(self, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path, self._noted = folder / name, folder / f"{name}.calls"
        monkeypatch.setenv("PATH", str(folder), prepend=":")
        self.does("")

    def does(self, script: str) -> None:
        """Set the shell script that runs at each call."""
        # In one piece, for two may be called at once.
        noting = f"""line=$(printf '%s\\t' "$@"); printf '%s\\n' "$line" >> {shlex.quote(str(self._noted))}"""
        self._path.write_text(f"#!/bin/sh\n{noting}\n{script}\n")
        self._path.chmod(0o755)

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of each call so far."""
        if not self._noted.exists():
            return []
        return [line.rstrip("\t").split("\t") for line in self._noted.read_text().splitlines()]
