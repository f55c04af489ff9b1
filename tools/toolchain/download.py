"""Download files from their publishers, verified by the SHA-256 that the publishers name."""

import hashlib
import http.client
import re
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from system.errors import UserError

from .machine import Platform
from .pins import PINS_FILE, Tool
from .progress import Echo

_CONNECT = 5.0  # seconds
_STALL = 60.0  # seconds without a byte, of a host that has just answered
_BLOCK = 1024 * 1024


class UnavailableError(Exception):
    """A publisher does not serve a file. The reason was shown; another source may have the tool."""


@dataclass(frozen=True)
class Published:
    """A publisher's file."""

    url: str
    sha256: str
    member: str  # the executable's path in the archive; empty where the file is the executable


class Publishers:
    """The publishers' sites. An unreachable one is tried once and named once in a run."""

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._unreachable: set[str] = set()

    def find(self, tool: Tool, platform: Platform) -> Published | None:
        """Return the tool's file for `platform`, or None where its publisher serves none, or none with a checksum."""
        release = tool.release
        if release is None or platform.os not in release.systems:
            return None
        texts = (release.site, release.file, release.checksums, release.member)
        site, file, checksums, member = (platform.fill(text, tool.version) for text in texts)
        try:
            listed = b"".join(self._blocks(f"{site}/{checksums}", _CONNECT)).decode(errors="replace")
        except UnavailableError:
            return None
        sha256 = _sum_of(file, listed)
        if sha256 is None:
            self._echo(f"{site}/{checksums} does not name {file}")
            return None
        return Published(f"{site}/{file}", sha256, member)

    def executable(self, published: Published, folder: Path) -> Path:
        """Download and unpack into `folder` and return the executable's path. Raises like `file`."""
        path = self.file(published.url, published.sha256, folder)
        if published.member:
            unpack(path, folder)
            path = folder / published.member
        if not path.is_file():
            raise UserError(f"{published.url} does not hold {published.member}, which {PINS_FILE} names.")
        path.chmod(0o755)
        return path

    def file(self, url: str, sha256: str, folder: Path) -> Path:
        """Download into `folder`, under the file's own name.

        Raises UnavailableError, and UserError where the file has another SHA-256.
        """
        path = folder / url.rsplit("/", 1)[1]
        found = hashlib.sha256()
        with path.open("wb") as output:
            for block in self._blocks(url, _STALL):
                found.update(block)
                output.write(block)
        if found.hexdigest() != sha256:
            raise UserError(
                f"{url} has the SHA-256 {found.hexdigest()} and not the published {sha256}: something between its "
                "publisher and this machine changed it."
            )
        return path

    def _blocks(self, url: str, timeout: float) -> Iterator[bytes]:
        host = urlsplit(url).netloc
        if host in self._unreachable:
            raise UnavailableError(host)
        try:
            with urllib.request.urlopen(url, timeout=timeout) as answer:  # noqa: S310 - the addresses are pinned
                while block := answer.read(_BLOCK):
                    yield block
                if answer.length:
                    raise ConnectionError("it broke off")
        except urllib.error.HTTPError as error:
            self._echo(f"{url} answers {error.code} {error.reason}")
            raise UnavailableError(url) from error
        except (OSError, http.client.HTTPException) as error:  # URLError and time-outs are OSErrors
            self._unreachable.add(host)
            self._echo(f"{host} cannot be reached ({getattr(error, 'reason', error)})")
            raise UnavailableError(host) from error


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a verified .zip or .tar.gz into `folder` and remove it."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as files:
            files.extractall(folder)  # noqa: S202 - verified
    else:
        with tarfile.open(archive) as files:
            files.extraction_filter = getattr(tarfile, "data_filter", None)  # of Python 3.11.4 and newer
            files.extractall(folder)  # noqa: S202 - verified
    archive.unlink()


def _sum_of(file: str, checksums: str) -> str | None:
    """Return the sum of `file` in the output of sha256sum ("SUM  NAME", "SUM *NAME"), or a bare sum."""
    for sha256, name in re.findall(r"^([0-9a-f]{64})(?:[ *]+(\S+))?$", checksums, re.MULTILINE):
        if name in ("", file):
            return sha256
    return None
