"""A running update: its progress, and its interruption."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tests.support.project import Outcome, Project

KAFKA_SECRET = "kubernetes:core/v1:Secret::kafka-secrets"
UP = ("pulumi", "up", "--yes", "--skip-preview")

# The CLI with the engine in it, the program, or the Kubernetes provider.
Victim: TypeAlias = Literal["engine", "program", "provider"]
_COMMANDS: Mapping[str, Sequence[str]] = {
    # Ours and the official one.
    "program": ("language-host/program.py", "pulumi-language-python-exec"),
    "provider": ("pulumi-resource-kubernetes",),
}
_POLL_SECONDS = 0.004
_SECONDS = 240


class MissedPointError(Exception):
    """The end of an update before it came to the point at which a case interrupts it."""


@dataclass(frozen=True)
class Process:
    pid: int
    start: int  # in ticks since boot: tells it from a later process with the same number
    command: str

    def kill(self) -> None:
        if _process(self.pid) == self:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class Update:
    """`pulumi up` from its start to its end."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self._project = project
        self._events = project.folder / ".local/events.json"
        self._events.unlink(missing_ok=True)
        self._printed = project.folder / "printed.txt"
        with self._printed.open("wb") as output:
            self.process = subprocess.Popen(
                [*UP, "--event-log", str(self._events), *arguments],
                cwd=project.folder,
                env={**project.variables(), "PULUMI_DEBUG_COMMANDS": "true"},  # which --event-log is one of
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a process group of its own, for SIGINT
            )
        self._family: dict[int, Process] = {}
        self._outcome: Outcome | None = None

    def events(self) -> list[Mapping[str, Any]]:
        """Return the engine's events so far."""
        try:
            lines = self._events.read_text().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def wait_until(self, reached: Callable[["Update"], bool]) -> None:
        """Wait for a condition. Raises MissedPointError where the update ends first."""
        deadline = time.monotonic() + _SECONDS
        while not reached(self):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise MissedPointError(f"The update ended, or hung, before it was broken:\n{self._printed.read_text()}")
            time.sleep(_POLL_SECONDS)

    def kill(self, victim: Victim) -> None:
        """Send SIGKILL. Raises MissedPointError where the update is over."""
        if victim != "engine":
            self.wait_until(lambda _: any(self._found(victim)))
        self._family |= {each.pid: each for each in _descendants(self.process.pid)}
        if self.process.poll() is not None:
            raise MissedPointError(f"The update was over before it was broken:\n{self._printed.read_text()}")
        if victim == "engine":
            self.process.kill()
        for process in self._found(victim):
            process.kill()

    def interrupt(self) -> None:
        """Send SIGINT to the process group, like Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> Outcome:
        """Wait for the end."""
        try:
            code = self.process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill("engine")
            raise
        if self._outcome is None:
            self._outcome = Outcome(code, self._printed.read_text())
            self._project.printed += [self._outcome.text, json.dumps(self.events())]  # with debug events
        return self._outcome

    def orphans(self) -> list[Process]:
        """Return the processes that outlived a killed engine."""
        return [process for process in self._family.values() if _process(process.pid) == process]

    def stop(self) -> None:
        """Kill it if it still runs."""
        if self.process.poll() is None:
            self.kill("engine")
            self.process.wait()

    def _found(self, victim: Victim) -> list[Process]:
        names = _COMMANDS.get(victim, ())
        return [each for each in _descendants(self.process.pid) if any(name in each.command for name in names)]


def started(update: Update) -> bool:
    """Whether the program runs, before any step."""
    return any("preludeEvent" in event for event in update.events())


def step_starts(resource: str) -> Callable[[Update], bool]:
    """Return a condition: a step that changes the resource, like Secret::app-secrets, has started."""
    return lambda update: any(
        _is_of(event.get("resourcePreEvent"), resource) and _changes(event["resourcePreEvent"])
        for event in update.events()
    )


def step_ends(resource: str) -> Callable[[Update], bool]:
    """Return a condition: a step that changed the resource has ended."""
    return lambda update: any(
        _is_of(event.get("resOutputsEvent"), resource) and _changes(event["resOutputsEvent"])
        for event in update.events()
    )


def _is_of(event: Mapping[str, Any] | None, resource: str) -> bool:
    return event is not None and resource in event["metadata"]["urn"]


def _changes(event: Mapping[str, Any]) -> bool:
    return event["metadata"]["op"] not in ("same", "read")


def _descendants(pid: int) -> list[Process]:
    found = [*filter(None, (_process(child) for child in _children(pid)))]
    return [each for process in found for each in (process, *_descendants(process.pid))]


def _children(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            children += map(int, task.read_text().split())
    return children


def _process(pid: int) -> Process | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    return None if status[0] == "Z" else Process(pid, int(status[19]), command)
