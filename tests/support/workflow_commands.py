"""Fake commands for a PATH: each records its calls, and responds as a test configured it."""

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCRIPT = """\
import json, os, sys
arguments = sys.argv[1:]
with open({responses!r}) as file:
    known = [each for each in json.load(file) if arguments[: len(each["arguments"])] == each["arguments"]]
response = known[-1]
call = {{"arguments": arguments, "environment": dict(os.environ), "stdin": None}}
if not response["command"]:
    call["stdin"] = sys.stdin.read()
with open({calls!r}, "a") as file:
    file.write(json.dumps(call) + "\\n")
if response["command"]:
    os.execv(response["command"], [response["command"], *arguments])
sys.stdout.write(response["stdout"])
sys.stderr.write(response["stderr"])
sys.exit(response["code"])
"""


@dataclass(frozen=True)
class Call:
    arguments: list[str]
    environment: Mapping[str, str]
    stdin: str | None  # None where a real command read it


class FakeCommand:
    """The command at `path`. By default it prints nothing and succeeds."""

    def __init__(self, path: Path) -> None:
        self._responses_file = path.with_name(f".{path.name}.responses")
        self._calls_file = path.with_name(f".{path.name}.calls")
        self._responses: list[Mapping[str, Any]] = []
        self.respond()
        script = path.with_name(f".{path.name}.py")
        script.write_text(_SCRIPT.format(responses=str(self._responses_file), calls=str(self._calls_file)))
        # Through a shell: the interpreter's path in a first line may not hold a space.
        path.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-I", str(script)])} "$@"\n')
        path.chmod(0o755)

    def respond(
        self, *arguments: str, stdout: str = "", stderr: str = "", code: int = 0, command: Path | None = None
    ) -> None:
        """Set the response to calls whose arguments begin with these; `command` is run in its place if there is one."""
        path = str(command) if command else None
        self._responses.append(
            {"arguments": arguments, "stdout": stdout, "stderr": stderr, "code": code, "command": path}
        )
        self._responses_file.parent.mkdir(parents=True, exist_ok=True)
        self._responses_file.write_text(json.dumps(self._responses))

    @property
    def calls(self) -> list[Call]:
        if not self._calls_file.exists():
            return []
        return [Call(**json.loads(line)) for line in self._calls_file.read_text().splitlines()]
