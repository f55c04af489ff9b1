"""The order of events: what is there, what its publisher serves, what must be built; then everything into its place."""

import time
from pathlib import Path

from . import chart, engine, installed, prerequisites, stamp, venv
from .build import Builder, builds_of
from .cache import Cache
from .download import Published, Publishers, UnavailableError
from .go import Go
from .layout import Layout
from .machine import Platform, parallel_builds
from .pins import Pins, Tool
from .place import link, remove
from .progress import Say, elapsed
from .recipe import entry


def provide(layout: Layout, pins: Pins, platform: Platform, say: Say) -> None:
    """Provides the whole toolchain, or does nothing where it is there. Raises BootstrapError."""
    if not stamp.is_current(layout, pins, platform):
        cache = Cache(layout.cache)
        with cache.locked(say):
            _Provision(layout, pins, platform, cache, say).run()
            stamp.write(layout, pins, platform)
    say(f"the toolchain is ready in {layout.bin}")


class _Provision:
    """One run, with what it finds out on the way."""

    def __init__(self, layout: Layout, pins: Pins, platform: Platform, cache: Cache, say: Say) -> None:
        self._layout = layout
        self._pins = pins
        self._platform = platform
        self._cache = cache
        self._say = say
        self._publishers = Publishers(say)
        self._go = Go.find(layout.search_path, layout.modules)
        self._executables: dict[str, Path] = {}
        self._chart = cache.root / chart.entry(pins.chart) / pins.chart.name

    def run(self) -> None:
        missing = [tool for tool in (*self._pins.tools, self._pins.plugin) if not self._find(tool)]
        published = [(tool, found) for tool in missing if (found := self._publishers.find(tool, self._platform))]
        served = [tool.name for tool, _ in published]
        to_build = [tool for tool in missing if tool.name not in served]
        to_pack = [] if self._chart.is_dir() or self._download_chart() else [f"the {self._pins.chart.name} chart"]

        # Whatever is known to be missing is said at once, and before the first long step.
        prerequisites.require([*prerequisites.of_python(), *self._problems_of_building(to_build, to_pack)])
        venv.provide(self._layout.venv, self._layout.root, self._say)
        if to_pack:
            chart.pack(self._pins.chart, self._go, self._layout.modules, self._cache)
            self._say(f"packed {to_pack[0]} from its Go module")
        to_build += [tool for tool, found in published if not self._download(tool, found)]
        prerequisites.require(self._problems_of_building(to_build, []))
        self._build(to_build)
        self._place()

    def _find(self, tool: Tool) -> bool:
        """Whether the tool is installed or in the cache."""
        if tool is self._pins.plugin:
            found = engine.find_plugin(tool, self._layout.plugins)
        else:
            found = installed.find(tool, self._layout.search_path)
        if found:
            self._say(f"found {tool.name} {tool.version} installed: {found}")
        elif self._cached(tool).is_file():
            self._say(f"found {tool.name} {tool.version} in the cache")
        else:
            return False
        self._executables[tool.name] = found or self._cached(tool)
        return True

    def _cached(self, tool: Tool) -> Path:
        return self._cache.root / entry(tool, self._platform, self._layout.modules) / tool.name

    def _download(self, tool: Tool, published: Published) -> bool:
        """Whether the tool is in the cache now, with what its archive has beside it."""
        started = time.monotonic()
        self._say(f"downloading {tool.name} {tool.version}")
        try:
            with self._cache.staging() as staging:
                executable = self._publishers.executable(published, staging)
                executable.replace(executable.with_name(tool.name))
                self._cache.publish(executable.parent, self._cached(tool).parent.name)
        except UnavailableError:
            return False
        self._say(f"downloaded {tool.name} {tool.version} in {elapsed(started)}")
        self._executables[tool.name] = self._cached(tool)
        return True

    def _download_chart(self) -> bool:
        try:
            chart.download(self._pins.chart, self._publishers, self._cache)
        except UnavailableError:
            return False
        return True

    def _problems_of_building(self, tools: list[Tool], others: list[str]) -> list[str]:
        return prerequisites.of_building([*(tool.name for tool in tools), *others], builds_of(tools), self._go)

    def _build(self, tools: list[Tool]) -> None:
        builder = Builder(self._go.command, self._layout.modules, self._cache, self._platform, self._say)
        builder.run(builds_of(tools), at_once=parallel_builds())
        self._executables |= {tool.name: self._cached(tool) for tool in tools}

    def _place(self) -> None:
        for tool in self._pins.tools:
            executable = self._executables[tool.name]
            if tool.beside:
                engine.place(tool, executable, self._layout.bin, self._layout.language_host)
            else:
                link(self._layout.bin / tool.name, executable)
        if engine.find_plugin(self._pins.plugin, self._layout.plugins) is None:
            engine.place_plugin(self._pins.plugin, self._executables[self._pins.plugin.name], self._layout.plugins)
        link(self._layout.charts / self._pins.chart.name, self._chart)
        pinned = {name for tool in self._pins.tools for name in (tool.name, *tool.beside)}
        for path in self._layout.bin.iterdir():
            if path.name not in pinned:  # a tool of an earlier version of this project
                remove(path)
