"""A small project with a toolchain of its own."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.support.toolchain.fakes import AptGet, Go, Npm, executable
from tools.toolchain.app import provide_app
from tools.toolchain.layout import Layout
from tools.toolchain.machine import Platform
from tools.toolchain.pins import App, Chart, GoModule, Jars, Pins, Programs, Release, Runtime, Tool
from tools.toolchain.provide import provide, provide_for_tests

PLATFORM = Platform("linux", "amd64")

# One module for a tool that its publisher serves, one for two tools that are always built, one for the plug-in.
SERVED = GoModule("served", seconds=1, variables={"example.org/version.Version": "v1.2.3"})
PAIR = GoModule("pair", seconds=2)
PLUGIN = GoModule("plugin", seconds=3)
SIDECAR = GoModule("sidecar", seconds=4, tags=("small", "quiet"))
STORE = GoModule("store", seconds=5)


@dataclass
class Project:
    """A project below `folder` whose user has the executables in `folder`/path, and a cache in `folder`/home."""

    folder: Path
    pins: Pins
    said: list[str] = field(default_factory=list[str])
    environment: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def path(self) -> Path:
        return self.folder / "path"

    @property
    def go(self) -> Go:
        return Go(self.path, self.folder / "go")

    @property
    def npm(self) -> Npm:
        return Npm(self.path, self.folder / "npm")

    @property
    def apt(self) -> AptGet:
        return AptGet(self.path, self.system)

    @property
    def system(self) -> Path:
        return self.folder / "system"

    @property
    def layout(self) -> Layout:
        root = self.folder / "project"
        path = f"{self.path}{os.pathsep}{root / '.tools' / 'bin'}"
        environment = {"HOME": str(self.folder / "home"), "PATH": path, **self.environment}
        return Layout.of(root, environment, self.system)

    def provide(self) -> None:
        provide(self.layout, self.pins, PLATFORM, self.said.append)

    def provide_for_tests(self) -> None:
        provide_for_tests(self.layout, self.pins.test_tools, PLATFORM, self.said.append)

    def provide_app(self) -> None:
        provide_app(self.layout, self.pins.app, PLATFORM, self.said.append)

    def provide_app_tests(self) -> None:
        provide_app(self.layout, self.pins.app_tests, PLATFORM, self.said.append)

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
    for module in (SERVED, PAIR, PLUGIN, SIDECAR, STORE):
        (project.layout.modules / module.folder).mkdir(parents=True)
        (project.layout.modules / module.folder / "go.mod").write_text(f"module {module.folder}\n")
    (project.layout.modules / "chart").mkdir()
    for folder_of_locks in (project.layout.root, project.layout.backend):
        folder_of_locks.mkdir(exist_ok=True)
        for lock in ("requirements.txt", "requirements-dev.txt"):
            (folder_of_locks / lock).touch()
        (folder_of_locks / ".venv").symlink_to(venv)
    project.layout.frontend.mkdir()
    for lock in ("package.json", "package-lock.json"):
        (project.layout.frontend / lock).write_text("{}")
    (project.layout.root / "tools" / "broker").mkdir()
    (project.layout.root / "tools" / "broker" / "jars.sha256").touch()
    executable(project.layout.language_host, "the project's own host")
    return project


def pins_of(site: str) -> Pins:
    """The pins of a toolchain of which `site` serves one tool and the chart."""

    def tool(name: str, module: GoModule, release: Release | None = None, beside: tuple[str, ...] = ()) -> Tool:
        return Tool(name, "1.2.3", module, f"example.org/{module.folder}/{name}", ("version",), release, beside)

    served = Release(
        f"{site}/v{{version}}", "served-{os}-{x64}.{archive}", "SUMS-{arch}", member="served-v{version}/served"
    )
    app = App(
        "app",
        runtimes=(
            Runtime("Node", "node", minimum=20, guide="https://nodejs.org"),
            Runtime("npm", "npm", minimum=9, guide="https://nodejs.org"),
        ),
        programs=(
            Programs(
                "The database", (("create", "serve"),), apt="postgresql", brew="db", folders=("usr/lib/database/*/bin",)
            ),
        ),
    )
    browser = Programs("The browser", (("browser",), ("browser-beta",)), apt="browser", brew="web", variable="BROWSER")
    return Pins(
        tools=(
            tool("served", SERVED, served),
            tool("first", PAIR),
            tool("engine", PAIR, beside=("pulumi-language-python",)),
        ),
        plugin=tool("pulumi-resource-cloud", PLUGIN),
        charts=(
            Chart(
                "chart",
                "1.2.3",
                url=f"{site}/chart-1.2.3.tgz",
                sha256="0" * 64,
                module="example.org/chart",
                folder="charts/chart",
                replacements={"Chart.yaml": ("0.0.0", "1.2.3")},
            ),
        ),
        test_tools=(tool("store", STORE),),
        app=app,
        app_tests=replace(
            app,
            name="app-tests",
            programs=(*app.programs, browser),
            tools=(tool("sidecar", SIDECAR),),
            jars=(Jars("broker", f"{site}/maven2"),),
        ),
    )
