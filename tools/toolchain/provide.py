"""Provide what the delivery needs: its tools, the platform's charts and the project's Python packages."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from . import chart, engine, installed, prerequisites, venv
from .download import UnavailableError
from .executables import Executables
from .layout import Layout
from .machine import Platform
from .pins import Chart, Pins, Tool
from .place import link, remove
from .progress import Echo
from .run import Run, with_stamp
from .stamp import Stamp, own_inputs


def provide(layout: Layout, pins: Pins, platform: Platform, echo: Echo) -> None:
    """Provide everything that the delivery needs. Raises UserError, or a group of them."""
    with_stamp(_stamp(layout, pins, platform), layout, platform, echo, lambda run: _provide(run, pins))
    echo(f"the toolchain is ready in {layout.bin}")


def provide_for_tests(layout: Layout, tools: Sequence[Tool], platform: Platform, echo: Echo) -> None:
    """Provide the tools that only the delivery's tests need. Raises UserError, or a group of them."""
    inputs, outputs = [*own_inputs(layout)], [layout.bin / tool.name for tool in tools]
    stamp = Stamp(layout.provided / "stamp-delivery-tests", (platform, tools), inputs, outputs)
    with_stamp(stamp, layout, platform, echo, lambda run: _provide_for_tests(run, tools))
    echo(f"the tools of the tests are ready in {layout.bin}")


def _stamp(layout: Layout, pins: Pins, platform: Platform) -> Stamp:
    outputs = [
        *(layout.bin / tool.name for tool in pins.tools),
        layout.bin / layout.language_host.name,
        engine.plugin_path(pins.plugin, layout.plugins),
        *(layout.charts / each.name / "Chart.yaml" for each in pins.charts),
        layout.venv / "bin" / "python",
    ]
    locks = [layout.root / name for name in venv.REQUIREMENTS]
    return Stamp(layout.provided / "stamp", (platform, pins), (*own_inputs(layout), *locks), outputs)


def _provide(run: Run, pins: Pins) -> None:
    def find_installed(tool: Tool) -> Path | None:
        if tool is pins.plugin:
            return engine.find_plugin(tool, run.layout.plugins)
        return installed.find(tool, run.layout.search_path)

    executables = Executables((*pins.tools, pins.plugin), find_installed, run)
    charts = {each.name: run.cache.root / chart.entry(each) / each.name for each in pins.charts}
    to_pack = [each for each in pins.charts if not charts[each.name].is_dir() and not _download(each, run)]

    # Everything that is missing is reported at once, before the first long step.
    prerequisites.require([*prerequisites.of_python(), *executables.problems([_title(each) for each in to_pack])])
    venv.provide(run.layout.root, run.echo)
    for each in to_pack:
        chart.pack(each, executables.go, run.layout.modules, run.cache)
        run.echo(f"packed {_title(each)} from its Go module")
    _place(run.layout, pins, executables.provide(), charts)


def _provide_for_tests(run: Run, tools: Sequence[Tool]) -> None:
    executables = Executables(tools, lambda tool: installed.find(tool, run.layout.search_path), run)
    prerequisites.require(executables.problems())
    for name, executable in executables.provide().items():
        link(run.layout.bin / name, executable)


def _title(each: Chart) -> str:
    return f"the {each.name} chart"


def _download(each: Chart, run: Run) -> bool:
    try:
        chart.download(each, run.publishers, run.cache)
    except UnavailableError:
        return False
    return True


def _place(layout: Layout, pins: Pins, executables: Mapping[str, Path], charts: Mapping[str, Path]) -> None:
    for tool in pins.tools:
        executable = executables[tool.name]
        if tool.beside:
            engine.place(tool, executable, layout.bin, layout.language_host)
        else:
            link(layout.bin / tool.name, executable)
    if engine.find_plugin(pins.plugin, layout.plugins) is None:
        engine.place_plugin(pins.plugin, executables[pins.plugin.name], layout.plugins)
    for name, folder in charts.items():
        link(layout.charts / name, folder)
    pinned = {name for tool in (*pins.tools, *pins.test_tools) for name in (tool.name, *tool.beside)}
    pinned |= {name for app in (pins.app, pins.app_tests) for name in app.names}
    for path in layout.bin.iterdir():
        if path.name not in pinned:  # from former pins
            remove(path)
