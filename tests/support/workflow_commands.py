"""A stand-in for a command on PATH: it answers what it was told, and remembers what it was asked."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCRIPT = """#!{python} -I
import json, os, sys
arguments = sys.argv[1:]
with open({record!r}) as file:
    record = json.load(file)
known = [answer for answer in record["answers"] if arguments[: len(answer["arguments"])] == answer["arguments"]]
answer = known[-1] if known else {{"stdout": "", "stderr": "", "code": 0, "real": ""}}
call = {{"arguments": arguments, "environment": dict(os.environ), "stdin": ""}}
if not answer["real"]:
    call["stdin"] = sys.stdin.read()
with open({calls!r}, "a") as file:
    file.write(json.dumps(call) + "\\n")
if answer["real"]:
    os.execv(answer["real"], [answer["real"], *arguments])
sys.stdout.write(answer["stdout"])
sys.stderr.write(answer["stderr"])
sys.exit(answer["code"])
"""


@dataclass(frozen=True)
class Call:
    """stdin: what it read, but where the real command was run, which reads it itself."""

    arguments: list[str]
    environment: Mapping[str, str]
    stdin: str


class StandIn:
    """The command at `path`; it says nothing and succeeds where it was told nothing."""

    def __init__(self, path: Path) -> None:
        self._record = path.with_name(f".{path.name}.answers")
        self._calls = path.with_name(f".{path.name}.calls")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_SCRIPT.format(python=sys.executable, record=str(self._record), calls=str(self._calls)))
        path.chmod(0o755)
        self._answers: list[Mapping[str, Any]] = []
        self._remember(())

    def answer(self, *arguments: str, stdout: str = "", stderr: str = "", code: int = 0) -> None:
        """What it does where its arguments begin like these."""
        self._remember(arguments, stdout=stdout, stderr=stderr, code=code)

    def run_really(self, *arguments: str, command: Path) -> None:
        """Lets `command` do it where the arguments begin like these."""
        self._remember(arguments, real=str(command))

    def _remember(
        self, arguments: tuple[str, ...], *, stdout: str = "", stderr: str = "", code: int = 0, real: str = ""
    ) -> None:
        told = {"arguments": arguments, "stdout": stdout, "stderr": stderr, "code": code, "real": real}
        self._answers.append(told)
        self._record.write_text(json.dumps({"answers": self._answers}))

    @property
    def calls(self) -> list[Call]:
        if not self._calls.exists():
            return []
        return [Call(**json.loads(line)) for line in self._calls.read_text().splitlines()]
