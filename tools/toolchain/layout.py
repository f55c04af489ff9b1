"""The folders of the toolchain."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders that the bootstrap reads and writes."""

    root: Path  # of the project
    cache: Path
    plugins: Path  # the engine's
    search_path: str  # the user's PATH without the project's own folders, which hold the provided tools
    environment: Mapping[str, str]  # the user's
    system: Path = Path("/")  # the root of the file system

    @classmethod
    def of(cls, root: Path, environment: Mapping[str, str], system: Path = Path("/")) -> "Layout":
        """Return the layout of the project in `root`, with the folders that `environment` names or the usual ones."""
        home = Path(environment.get("HOME") or Path.home())
        cache = Path(environment.get("XDG_CACHE_HOME") or home / ".cache")
        pulumi = Path(environment.get("PULUMI_HOME") or home / ".pulumi")
        folders = environment.get("PATH", os.defpath).split(os.pathsep)
        return cls(
            root=root,
            cache=cache / "todo-oke" / "tools",
            plugins=pulumi / "plugins",
            search_path=os.pathsep.join(f for f in folders if not Path(f).resolve().is_relative_to(root)),
            environment=environment,
            system=system,
        )

    @property
    def modules(self) -> Path:
        """The pinned Go modules."""
        return self.root / "tools" / "go"

    @property
    def language_host(self) -> Path:
        """The language host for an engine without the official one."""
        return self.root / "tools" / "language-host" / "pulumi-language-python"

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def backend(self) -> Path:
        return self.root / "backend"

    @property
    def frontend(self) -> Path:
        return self.root / "frontend"

    @property
    def provided(self) -> Path:
        """The folder of everything provided for this project: bin, charts, jars and stamps."""
        return self.root / ".tools"

    @property
    def bin(self) -> Path:
        return self.provided / "bin"

    @property
    def charts(self) -> Path:
        return self.provided / "charts"
