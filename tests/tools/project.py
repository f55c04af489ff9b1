"""A small project with a toolchain of its own."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from tests.tools.stand_ins import Go, executable
from tools.toolchain.layout import Layout
from tools.toolchain.machine import Platform
from tools.toolchain.pins import Chart, GoModule, Pins, Release, Tool
from tools.toolchain.provide import provide

PLATFORM = Platform("linux", "amd64")

# One module for a tool that its publisher serves, one for two tools that are always built, one for the plug-in.
SERVED = GoModule("served", seconds=1, variables={"example.org/version.Version": "v1.2.3"})
PAIR = GoModule("pair", seconds=2)
PLUGIN = GoModule("plugin", seconds=3)


@dataclass
class Project:
    """A project below `folder` whose user has the executables in `folder`/path, and a cache in `folder`/home."""

    folder: Path
    pins: Pins
    said: list[str] = field(default_factory=list[str])

    @property
    def path(self) -> Path:
        return self.folder / "path"

    @property
    def go(self) -> Go:
        return Go(self.path, self.folder / "go")

    @property
    def layout(self) -> Layout:
        root = self.folder / "project"
        path = f"{self.path}{os.pathsep}{root / '.tools' / 'bin'}"
        return Layout.of(root, {"HOME": str(self.folder / "home"), "PATH": path})

    def provide(self) -> None:
        provide(self.layout, self.pins, PLATFORM, self.said.append)

    def answer(self, name: str) -> str:
        """What the provided tool prints."""
        return (self.layout.bin / name).read_text().removeprefix("#!/bin/sh\necho ").strip().strip("'")

    def cached(self) -> set[str]:
        """The tools in the cache, without their versions; the chart and the lock left out."""
        entries = {path.name.split("-1.2.3", 1)[0] for path in self.layout.cache.iterdir()}
        return entries - {"lock", "chart-chart"}


def make_project(folder: Path, site: str, venv: Path) -> Project:
    """A project that nothing has been provided for but `venv`, the environment of a project with empty locks."""
    project = Project(folder, pins_of(site))
    project.path.mkdir(parents=True)
    for module in (SERVED, PAIR, PLUGIN):
        (project.layout.modules / module.folder).mkdir(parents=True)
        (project.layout.modules / module.folder / "go.mod").write_text(f"module {module.folder}\n")
    (project.layout.modules / "chart").mkdir()
    for lock in ("requirements.txt", "requirements-dev.txt"):
        (project.layout.root / lock).touch()
    project.layout.venv.symlink_to(venv)
    executable(project.layout.language_host, "the project's own host")
    return project


def pins_of(site: str) -> Pins:
    """The pins of a toolchain of which `site` serves one tool and the chart."""

    def tool(name: str, module: GoModule, release: Release | None = None, beside: tuple[str, ...] = ()) -> Tool:
        return Tool(name, "1.2.3", module, f"example.org/{module.folder}/{name}", ("version",), release, beside)

    served = Release(
        f"{site}/v{{version}}", "served-{os}-{x64}.{archive}", "SUMS-{arch}", member="served-v{version}/served"
    )
    return Pins(
        tools=(
            tool("served", SERVED, served),
            tool("first", PAIR),
            tool("engine", PAIR, beside=("pulumi-language-python",)),
        ),
        plugin=tool("pulumi-resource-cloud", PLUGIN),
        chart=Chart(
            "chart",
            "1.2.3",
            url=f"{site}/chart-1.2.3.tgz",
            sha256="0" * 64,
            module="example.org/chart",
            folder="charts/chart",
            replacements={"Chart.yaml": ("0.0.0", "1.2.3")},
        ),
    )
