"""The inputs of a build: the linker's flags, and the cache key that they are part of."""

import hashlib
from pathlib import Path

from .machine import Platform
from .pins import GoModule, Tool


def linker_flags(module: GoModule) -> str:
    """Return flags that omit the debuggers' tables and set the version as the publisher's build does."""
    return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in sorted(module.variables.items()))])


def entry(tool: Tool, platform: Platform, modules: Path) -> str:
    """Return the name of the tool's entry in the cache, with a hash of everything that determines the executable."""
    folder = modules / tool.module.folder
    sources = sorted(path for path in folder.iterdir() if path.suffix in (".mod", ".sum", ".go"))
    determining = [tool.package, linker_flags(tool.module), str(platform), *tool.module.tags]
    digest = hashlib.sha256("\n".join(determining).encode())
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return f"{tool.name}-{tool.version}-{platform.os}-{platform.arch}-{digest.hexdigest()[:16]}"
