"""Place Pulumi's engine and its two plug-ins where the engine looks for them.

The engine uses a language host beside its executable silently, and one on PATH with a warning. A provider is installed
when its folder exists without a file of the same name and .partial at the end:
https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/workspace/plugins.go
"""

from pathlib import Path

from .pins import Tool
from .place import link, same_file


def place(pulumi: Tool, executable: Path, folder: Path, own_host: Path) -> None:
    """Put the engine into `folder` with its own language host, or with `own_host` where it came without."""
    companions = [executable.with_name(name) for name in pulumi.beside]
    if all(path.exists() for path in companions):
        for path in (executable, *companions):
            link(folder / path.name, path)
    else:
        same_file(folder / pulumi.name, executable)  # not a link: the engine looks beside the file behind it
        link(folder / own_host.name, own_host)


def plugin_path(plugin: Tool, plugins: Path) -> Path:
    """Return the path of the plug-in's executable in the engine's folder of plug-ins."""
    return plugins / f"{plugin.name.removeprefix('pulumi-')}-v{plugin.version}" / plugin.name


def find_plugin(plugin: Tool, plugins: Path) -> Path | None:
    """Return the plug-in's executable if it is installed."""
    path = plugin_path(plugin, plugins)
    return path if path.is_file() and not _partial(path).exists() else None


def place_plugin(plugin: Tool, executable: Path, plugins: Path) -> None:
    """Install the plug-in as the engine does, so that an interrupted installation does not count."""
    path = plugin_path(plugin, plugins)
    path.parent.mkdir(parents=True, exist_ok=True)
    _partial(path).touch()
    same_file(path, executable)
    _partial(path).unlink()


def _partial(path: Path) -> Path:
    return path.parent.with_name(f"{path.parent.name}.partial")
