"""Packages of Debian and Ubuntu, without the services that they would start."""

import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import command
from .layout import Layout
from .progress import Say

# What keeps a package from starting its service (https://wiki.debian.org/PolicyRcD), and PostgreSQL's from making a
# database cluster (pg_createcluster(8)).
_QUIET = {
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    "etc/postgresql-common/createcluster.conf": "create_main_cluster = off\n",
}


@dataclass(frozen=True)
class Apt:
    """An apt-get, and the root of the file system that it installs into."""

    command: str
    root: Path

    @classmethod
    def find(cls, layout: Layout) -> "Apt | None":
        """The one on PATH, for root; nobody else may use it."""
        found = shutil.which("apt-get", path=layout.search_path)
        return cls(found, layout.system) if found and os.geteuid() == 0 else None

    def install(self, packages: Sequence[str], say: Say) -> None:
        """Installs `packages` and what they cannot do without. Raises BootstrapError."""
        self._run(["update"], say)
        if "postgresql" in packages:
            self._install(["postgresql-common"], say)  # it brings the file that is changed for a while below
        with ExitStack() as quiet:
            for name, text in _QUIET.items():
                if (self.root / name).parent.exists():
                    quiet.enter_context(_holding(self.root / name, text))
            self._install(packages, say)

    def _install(self, packages: Sequence[str], say: Say) -> None:
        self._run(["install", "--yes", "--no-install-recommends", *packages], say)

    def _run(self, arguments: Sequence[str], say: Say) -> None:
        command.run([self.command, *arguments], say, environment=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})


@contextmanager
def _holding(path: Path, text: str) -> Generator[None]:
    """Lets `path` be an executable file of this text, and then again what it was."""
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
