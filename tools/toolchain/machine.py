"""The machine: its platform, and how much it can build at once."""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from system.errors import UserError

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_MEMORY_TO_LINK = 3 * 1024**3  # for the provider; the others need less


@dataclass(frozen=True)
class Platform:
    """An operating system and an architecture, by Go's names, which most publishers use too."""

    os: str
    arch: str

    def __str__(self) -> str:
        return f"{self.os}/{self.arch}"

    def fill(self, template: str, version: str) -> str:
        """`template` with the words of `Release` replaced."""
        return template.format(
            version=version,
            os=self.os,
            arch=self.arch,
            x64="x64" if self.arch == "amd64" else self.arch,
            system=self.os.capitalize(),
            machine="x86_64" if self.arch == "amd64" else self.arch,
            archive="zip" if self.os == "darwin" else "tar.gz",
        )


def this_platform() -> Platform:
    """Return the platform of this machine. Raises UserError where the toolchain does not support it."""
    arch = _ARCHITECTURES.get(platform.machine().lower())
    if sys.platform not in ("linux", "darwin") or arch is None:
        raise UserError(
            f"The toolchain runs on Linux and macOS, on amd64 and arm64, and this is {sys.platform} on "
            f"{platform.machine()}."
        )
    return Platform(sys.platform, arch)


def parallel_builds() -> int:
    """Return how many Go modules to build at once: one for each core, as far as the memory suffices to link them."""
    return max(1, min(os.cpu_count() or 1, _available_memory() // _MEMORY_TO_LINK))


def _available_memory() -> int:
    """Return the bytes that builds may use: Linux's available memory, or half of a Mac's total."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        values = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        return int(values["MemAvailable"].split()[0]) * 1024
    answer = subprocess.run(["sysctl", "-n", "hw.memsize"], capture_output=True, text=True, check=False)
    return int(answer.stdout or 0) // 2
