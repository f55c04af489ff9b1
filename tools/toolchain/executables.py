"""Find, download or build the executables of pinned tools."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from system.errors import UserError

from . import prerequisites
from .build import Builder, builds_of
from .download import Published, UnavailableError
from .go import Go
from .machine import parallel_builds
from .pins import Tool
from .progress import elapsed
from .recipe import entry
from .run import Run


class Executables:
    """The executables of `tools`. What is missing is known at once, to report it before the first long step."""

    def __init__(self, tools: Sequence[Tool], installed: Callable[[Tool], Path | None], run: Run) -> None:
        self._run = run
        self.go = Go.find(run.layout.search_path, run.layout.modules)
        self._paths: dict[str, Path] = {}
        missing = [tool for tool in tools if not self._find(tool, installed(tool))]
        self._published = [(tool, found) for tool in missing if (found := run.publishers.find(tool, run.platform))]
        served = [tool.name for tool, _ in self._published]
        self._to_build = [tool for tool in missing if tool.name not in served]

    def problems(self, others: Sequence[str] = ()) -> list[UserError]:
        """Return what prevents the builds here, of tools and of `others` that need Go."""
        names = [*(tool.name for tool in self._to_build), *others]
        return prerequisites.of_building(names, builds_of(self._to_build), self.go)

    def provide(self) -> Mapping[str, Path]:
        """Download and build what is missing, and return the paths of all. Raises UserError."""
        self._to_build += [tool for tool, found in self._published if not self._download(tool, found)]
        prerequisites.require(self.problems())
        run = self._run
        builder = Builder(self.go.command, run.layout.modules, run.cache, run.platform, run.echo)
        builder.run(builds_of(self._to_build), at_once=parallel_builds())
        return self._paths | {tool.name: self._cached(tool) for tool in self._to_build}

    def _find(self, tool: Tool, found: Path | None) -> bool:
        """Return whether the tool is installed, as `found`, or in the cache."""
        if found:
            self._run.echo(f"found {tool.name} {tool.version} installed: {found}")
        elif self._cached(tool).is_file():
            self._run.echo(f"found {tool.name} {tool.version} in the cache")
        else:
            return False
        self._paths[tool.name] = found or self._cached(tool)
        return True

    def _cached(self, tool: Tool) -> Path:
        return self._run.cache.root / entry(tool, self._run.platform, self._run.layout.modules) / tool.name

    def _download(self, tool: Tool, published: Published) -> bool:
        """Download the tool, with its archive's other files, into the cache; return False where it is not served."""
        started = time.monotonic()
        self._run.echo(f"downloading {tool.name} {tool.version}")
        try:
            with self._run.cache.staging() as staging:
                executable = self._run.publishers.executable(published, staging)
                executable.replace(executable.with_name(tool.name))
                self._run.cache.publish(executable.parent, self._cached(tool).parent.name)
        except UnavailableError:
            return False
        self._run.echo(f"downloaded {tool.name} {tool.version} in {elapsed(started)}")
        self._paths[tool.name] = self._cached(tool)
        return True
