"""Provide what the app and its tests run with: their packages, and the programs around them."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from . import installed, jars, node_modules, prerequisites, programs, venv
from .apt import Apt
from .executables import Executables
from .layout import Layout
from .machine import Platform
from .pins import App, Jars
from .place import link
from .progress import Echo
from .run import Run, with_stamp
from .stamp import Stamp, own_inputs


def provide_app(layout: Layout, app: App, platform: Platform, echo: Echo) -> None:
    """Provide everything that `app` names. Raises UserError, or a group of them."""
    with_stamp(_stamp(layout, app, platform), layout, platform, echo, lambda run: _provide(run, app))
    echo(f"the app's programs are ready in {layout.bin}")


def _stamp(layout: Layout, app: App, platform: Platform) -> Stamp:
    chosen = [layout.environment.get(wanted.variable) for wanted in app.programs]
    runtimes = [shutil.which(runtime.command, path=layout.search_path) or runtime.command for runtime in app.runtimes]
    outputs = [
        *(layout.bin / name for name in app.names),
        *(layout.provided / program.folder for program in app.jars),
        *map(Path, runtimes),
        layout.backend / ".venv" / "bin" / "python",
        layout.frontend / "node_modules" / ".package-lock.json",
    ]
    inputs = (*own_inputs(layout), *_locks(layout), *(_lock(layout, program) for program in app.jars))
    return Stamp(layout.provided / f"stamp-{app.name}", (platform, app, chosen), inputs, outputs)


def _locks(layout: Layout) -> list[Path]:
    return [
        *(layout.backend / name for name in venv.REQUIREMENTS),
        *(layout.frontend / name for name in node_modules.LOCKS),
    ]


def _lock(layout: Layout, program: Jars) -> Path:
    return layout.root / "tools" / program.folder / jars.LOCK


def _provide(run: Run, app: App) -> None:
    layout, echo = run.layout, run.echo
    apt = Apt.find(layout)
    missing = [wanted for wanted in app.programs if not programs.find(wanted, layout)]
    executables = Executables(app.tools, lambda tool: installed.find(tool, layout.search_path), run)

    # Everything that is missing is reported at once, before the first long step.
    problems = [
        *prerequisites.of_python(),
        *prerequisites.of_runtimes(app.runtimes, layout.search_path),
        *prerequisites.of_files(_locks(layout)),
        *([] if apt else map(programs.not_installed, missing)),
        *executables.problems(),
    ]
    prerequisites.require(problems)
    if missing and apt:
        programs.install(missing, apt, echo)
    venv.provide(layout.backend, echo)
    node_modules.provide(layout.frontend, layout.search_path, echo)
    _place(layout, app, executables.provide(), {program.folder: _folder(program, run) for program in app.jars})


def _folder(program: Jars, run: Run) -> Path:
    lock = _lock(run.layout, program)
    folder = run.cache.root / jars.entry(program, lock)
    if not folder.is_dir():
        jars.download(program, lock, run)
    return folder


def _place(layout: Layout, app: App, tools: Mapping[str, Path], folders: Mapping[str, Path]) -> None:
    for wanted in app.programs:
        found = programs.find(wanted, layout)
        if found is None:
            raise programs.not_installed(wanted)  # the package that apt installed lacks it
        for name, path in found.items():
            link(layout.bin / name, path)
    for name, path in tools.items():
        link(layout.bin / name, path)
    for name, path in folders.items():
        link(layout.provided / name, path)
