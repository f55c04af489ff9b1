"""What the app and its tests run with on this machine: its own packages, and the programs around it."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from . import installed, jars, node_modules, prerequisites, programs, venv
from .apt import Apt
from .errors import BootstrapError
from .executables import Executables
from .layout import Layout
from .machine import Platform
from .pins import App, Jars
from .place import link
from .progress import Say
from .run import Run, with_stamp
from .stamp import Stamp, own_inputs


def provide_app(layout: Layout, app: App, platform: Platform, say: Say) -> None:
    """Provides all that `app` names, or does nothing where it is there. Raises BootstrapError."""
    with_stamp(_stamp(layout, app, platform), layout, platform, say, lambda run: _provide(run, app))
    say(f"the app's programs are ready in {layout.bin}")


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
    layout, say = run.layout, run.say
    apt = Apt.find(layout)
    missing = [wanted for wanted in app.programs if not programs.find(wanted, layout)]
    executables = Executables(app.tools, lambda tool: installed.find(tool, layout.search_path), run)

    # Whatever is known to be missing is said at once, and before the first long step.
    problems = [
        *prerequisites.of_python(),
        *prerequisites.of_runtimes(app.runtimes, layout.search_path),
        *prerequisites.of_files(_locks(layout)),
        *([] if apt else programs.problems(missing)),
        *executables.problems(),
    ]
    prerequisites.require(problems)
    if missing and apt:
        programs.install(missing, apt, say)
    venv.provide(layout.backend, say)
    node_modules.provide(layout.frontend, layout.search_path, say)
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
            raise BootstrapError(*programs.problems([wanted]))  # the package does not hold what it is to hold
        for name, path in found.items():
            link(layout.bin / name, path)
    for name, path in tools.items():
        link(layout.bin / name, path)
    for name, path in folders.items():
        link(layout.provided / name, path)
