"""What the bootstrap has to know about the machine it runs on."""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .errors import BootstrapError

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_MEMORY_TO_LINK = 3 * 1024**3  # the provider's linker takes this much; the others less


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
    """The platform of this machine; an error where the toolchain is not to be had for it."""
    arch = _ARCHITECTURES.get(platform.machine().lower())
    if sys.platform not in ("linux", "darwin") or arch is None:
        raise BootstrapError(
            f"the toolchain runs on Linux and macOS, on amd64 and arm64, and this is {sys.platform} on "
            f"{platform.machine()}; use a machine or container of those."
        )
    return Platform(sys.platform, arch)


def parallel_builds() -> int:
    """How many Go modules may be built at once: as many as there are cores, and as the memory can link side by side."""
    return max(1, min(os.cpu_count() or 1, _available_memory() // _MEMORY_TO_LINK))


def _available_memory() -> int:
    """Bytes that a build may take: what Linux says is available, or half of a Mac's memory, which it does not say."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        values = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        return int(values["MemAvailable"].split()[0]) * 1024
    answer = subprocess.run(["sysctl", "-n", "hw.memsize"], capture_output=True, text=True, check=False)
    return int(answer.stdout or 0) // 2
