"""Build tools from their pinned Go modules, several modules at a time."""

import os
import signal
import subprocess
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from system.errors import UserError
from system.signals import deferred

from .cache import Cache
from .go import environment
from .machine import Platform
from .pins import GoModule, Tool
from .progress import Echo, duration, elapsed, show_end
from .recipe import entry, linker_flags

_HEARTBEAT = 30.0  # seconds
_POLL = 0.05  # seconds


@dataclass(frozen=True)
class Build:
    """Tools of one Go module, built by one go command, so that shared packages are compiled once."""

    module: GoModule
    tools: tuple[Tool, ...]

    def __str__(self) -> str:
        return ", ".join(tool.name for tool in self.tools)


def builds_of(tools: Iterable[Tool]) -> list[Build]:
    """Return the builds that make `tools`, longest first."""
    by_folder: dict[str, list[Tool]] = {}
    for tool in tools:
        by_folder.setdefault(tool.module.folder, []).append(tool)
    builds = [Build(group[0].module, tuple(group)) for group in by_folder.values()]
    return sorted(builds, key=lambda build: build.module.seconds, reverse=True)


@dataclass(frozen=True)
class Builder:
    """Builds from the folders in `modules` into `cache`."""

    go: str  # the command
    modules: Path
    cache: Cache
    platform: Platform
    echo: Echo

    def run(self, builds: Sequence[Build], at_once: int) -> None:
        """Run the builds in order, `at_once` side by side, and cache each tool as soon as it is built.

        The first failure ends the others and raises UserError. No process outlives the call.
        """
        waiting = list(builds)
        with self.cache.staging() as staging, _ended_together() as running:
            while waiting or running:
                while waiting and len(running) < at_once:
                    # A signal between the start and the append would leave the process behind.
                    with deferred(signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                        running.append(self._start(waiting.pop(0), staging))
                time.sleep(_POLL)
                for build in [build for build in running if build.process.poll() is not None]:
                    running.remove(build)
                    self._finish(build)
                for build in running:
                    build.report(self.echo)

    def _start(self, build: Build, staging: Path) -> "_Running":
        self.echo(f"building {build}; from nothing, on two cores, that takes {duration(build.module.seconds)}")
        folder = staging / build.module.folder
        (folder / "tmp").mkdir(parents=True)
        # go names one executable after -o, and several in a folder after their packages: the tools' own names.
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
                start_new_session=True,  # a process group of its own, to end go with its compilers
            )
        return _Running(build, process, folder)

    def _finish(self, running: "_Running") -> None:
        if running.process.returncode != 0:
            show_end((running.folder / "log").read_text(errors="replace"), self.echo)
            raise UserError(
                f"Building {running.build} from tools/go/{running.build.module.folder} failed, for the "
                "reason above; what was built before is kept."
            )
        for tool in running.build.tools:
            name = entry(tool, self.platform, self.modules)
            staged = running.folder / name
            staged.mkdir()
            (running.folder / tool.name).rename(staged / tool.name)
            self.cache.publish(staged, name)
        self.echo(f"built {running.build} in {elapsed(running.started)}")


@dataclass
class _Running:
    build: Build
    process: subprocess.Popen[bytes]
    folder: Path
    started: float = field(default_factory=time.monotonic)
    reported: float = field(default_factory=time.monotonic)

    def report(self, echo: Echo) -> None:
        if time.monotonic() - self.reported >= _HEARTBEAT:
            self.reported = time.monotonic()
            echo(f"still building {self.build}, for {elapsed(self.started)}")


@contextmanager
def _ended_together() -> Generator[list[_Running]]:
    """Yield a list of running builds, and kill what is left in it."""
    running: list[_Running] = []
    try:
        yield running
    finally:
        for build in running:
            with suppress(ProcessLookupError):
                os.killpg(build.process.pid, signal.SIGKILL)
            build.process.wait()
