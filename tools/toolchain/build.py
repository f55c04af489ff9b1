"""Tools built from their pinned Go modules, several modules at a time."""

import os
import signal
import subprocess
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .cache import Cache
from .errors import BootstrapError
from .go import environment
from .machine import Platform
from .pins import GoModule, Tool
from .progress import Say, duration, elapsed, show_end
from .recipe import entry, linker_flags

_HEARTBEAT = 30.0  # seconds
_POLL = 0.05  # seconds


@dataclass(frozen=True)
class Build:
    """Tools of one Go module: one go command builds them, so that what they share is compiled once."""

    module: GoModule
    tools: tuple[Tool, ...]

    def __str__(self) -> str:
        return ", ".join(tool.name for tool in self.tools)


def builds_of(tools: Iterable[Tool]) -> list[Build]:
    """The builds that make `tools`, the longest first."""
    by_folder: dict[str, list[Tool]] = {}
    for tool in tools:
        by_folder.setdefault(tool.module.folder, []).append(tool)
    builds = [Build(group[0].module, tuple(group)) for group in by_folder.values()]
    return sorted(builds, key=lambda build: build.module.seconds, reverse=True)


@dataclass(frozen=True)
class Builder:
    """Builds with the command `go` from the folders in `modules` into `cache`."""

    go: str
    modules: Path
    cache: Cache
    platform: Platform
    say: Say

    def run(self, builds: Sequence[Build], at_once: int) -> None:
        """Builds all, in the given order and `at_once` side by side; each tool is in the cache as soon as it is built.

        The first failure ends the others and raises BootstrapError. No process outlives the call.
        """
        waiting = list(builds)
        with self.cache.staging() as staging, _ended_together() as running:
            while waiting or running:
                while waiting and len(running) < at_once:
                    with _signals_deferred():  # or one could come between the start of a process and the note of it
                        running.append(self._start(waiting.pop(0), staging))
                time.sleep(_POLL)
                for build in [build for build in running if build.process.poll() is not None]:
                    running.remove(build)
                    self._finish(build)
                for build in running:
                    build.report(self.say)

    def _start(self, build: Build, staging: Path) -> "_Running":
        self.say(f"building {build}; from nothing, on two cores, that takes {duration(build.module.seconds)}")
        folder = staging / build.module.folder
        (folder / "tmp").mkdir(parents=True)
        # A single package is built under its tool's name, several under theirs, which are the tools' names too.
        output = str(folder / build.tools[0].name) if len(build.tools) == 1 else f"{folder}/"
        command = [self.go, "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", output]
        command += ["-tags", ",".join(build.module.tags), "-ldflags", linker_flags(build.module)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*command, *(tool.package for tool in build.tools)],
                cwd=self.modules / build.module.folder,
                env=environment() | {"GOTMPDIR": str(folder / "tmp")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, to end it with its compilers
            )
        return _Running(build, process, folder)

    def _finish(self, running: "_Running") -> None:
        if running.process.returncode != 0:
            show_end((running.folder / "log").read_text(errors="replace"), self.say)
            raise BootstrapError(
                f"building {running.build} from tools/go/{running.build.module.folder} failed: mend what go says above "
                "and run this again; what was built before is kept."
            )
        for tool in running.build.tools:
            name = entry(tool, self.platform, self.modules)
            staged = running.folder / name
            staged.mkdir()
            (running.folder / tool.name).rename(staged / tool.name)
            self.cache.publish(staged, name)
        self.say(f"built {running.build} in {elapsed(running.started)}")


@dataclass
class _Running:
    build: Build
    process: subprocess.Popen[bytes]
    folder: Path
    started: float = field(default_factory=time.monotonic)
    reported: float = field(default_factory=time.monotonic)

    def report(self, say: Say) -> None:
        if time.monotonic() - self.reported >= _HEARTBEAT:
            self.reported = time.monotonic()
            say(f"still building {self.build}, for {elapsed(self.started)}")


@contextmanager
def _signals_deferred() -> Generator[None]:
    """Lets the signals that end the bootstrap take effect when the block is done."""
    came: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _frame: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


@contextmanager
def _ended_together() -> Generator[list[_Running]]:
    """A list of running builds; those that are left in it are ended."""
    running: list[_Running] = []
    try:
        yield running
    finally:
        for build in running:
            with suppress(ProcessLookupError):
                os.killpg(build.process.pid, signal.SIGKILL)
            build.process.wait()
