"""What a tool is built from: the linker's flags, and the name of its place in the cache."""

import hashlib
from pathlib import Path

from .machine import Platform
from .pins import GoModule, Tool


def linker_flags(module: GoModule) -> str:
    """Without the tables that only debuggers read, and with the version that the publisher's build would name."""
    return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in sorted(module.variables.items()))])


def entry(tool: Tool, platform: Platform, modules: Path) -> str:
    """The tool's entry in the cache: by name for people, and by the hash of all that determines the executable."""
    folder = modules / tool.module.folder
    sources = sorted(path for path in folder.iterdir() if path.suffix in (".mod", ".sum", ".go"))
    determining = [tool.package, linker_flags(tool.module), str(platform), *tool.module.tags]
    digest = hashlib.sha256("\n".join(determining).encode())
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return f"{tool.name}-{tool.version}-{platform.os}-{platform.arch}-{digest.hexdigest()[:16]}"
