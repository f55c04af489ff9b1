"""Install packages of Debian and Ubuntu without starting their services."""

import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import command
from .layout import Layout
from .progress import Echo

# Files that prevent packages from starting their services (https://wiki.debian.org/PolicyRcD), and PostgreSQL's from
# creating a database cluster (pg_createcluster(8)).
_NO_SERVICES = {
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    "etc/postgresql-common/createcluster.conf": "create_main_cluster = off\n",
}


@dataclass(frozen=True)
class Apt:
    """The command apt-get, and the root of the file system that it installs into."""

    command: str
    root: Path

    @classmethod
    def find(cls, layout: Layout) -> "Apt | None":
        """Return the apt-get on PATH for root, and None for everybody else, who may not use it."""
        found = shutil.which("apt-get", path=layout.search_path)
        return cls(found, layout.system) if found and os.geteuid() == 0 else None

    def install(self, packages: Sequence[str], echo: Echo) -> None:
        """Install `packages` and their dependencies. Raises UserError."""
        self._run(["update"], echo)
        if "postgresql" in packages:
            self._install(["postgresql-common"], echo)  # it brings a file that is replaced below
        with ExitStack() as files:
            for name, text in _NO_SERVICES.items():
                if (self.root / name).parent.exists():
                    files.enter_context(_replaced(self.root / name, text))
            self._install(packages, echo)

    def _install(self, packages: Sequence[str], echo: Echo) -> None:
        self._run(["install", "--yes", "--no-install-recommends", *packages], echo)

    def _run(self, arguments: Sequence[str], echo: Echo) -> None:
        command.run([self.command, *arguments], echo, environment=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})


@contextmanager
def _replaced(path: Path, text: str) -> Generator[None]:
    """Replace `path` with an executable file of this text for the block."""
    before = path.read_bytes() if path.exists() else None
    mode = path.stat().st_mode if before is not None else 0
    path.write_text(text)
    path.chmod(0o755)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
            path.chmod(mode)
