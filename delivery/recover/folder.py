"""The folder of a file:// backend: a stack's state, and beside it the states that its updates left.

Source: https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/backend/diy/state.go
"""

import gzip
import json
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from system.errors import UserError

_GZIP = b"\x1f\x8b"
# The engine reads the one that was written last, compressed or not, and tells the compression by the content.
_ENDINGS = (".json", ".json.gz", ".json.zst")


@dataclass(frozen=True)
class Saved:
    """The state that an update left; number: the update's place, the oldest being 1; update: what is known of it."""

    file: Path
    number: int
    update: Mapping[str, Any]

    @property
    def succeeded(self) -> bool:
        return self.update.get("result") == "succeeded"

    @property
    def label(self) -> str:
        """Which update it was, the first line of its message, and when it ended."""
        ended = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.update["endTime"]))
        title = self.update.get("message", "").partition("\n")[0]
        return f'update {self.number} ("{title}", {ended})' if title else f"update {self.number} ({ended})"

    def resources(self) -> list[Mapping[str, Any]]:
        """Those of the state. Raises ValueError where it is not whole."""
        try:
            return _read(self.file)["checkpoint"]["latest"].get("resources", [])
        except (KeyError, TypeError, AttributeError):
            raise ValueError from None


@dataclass(frozen=True)
class StackFiles:
    """Where a backend in a folder keeps what it has of a stack.

    kept: where the state goes when another takes its place: the engine takes no file of that name for a stack.
    """

    state: Path
    history: Path
    kept: Path

    def saved(self) -> Iterator[Saved]:
        """What is left of the updates, the newest first; of an update of which nothing can be read, nothing."""
        records = sorted(path for path in self.history.glob("*.history.json*") if path.name.endswith(_ENDINGS))
        for number, record in reversed([*enumerate(records, 1)]):
            try:
                yield Saved(record.with_name(record.name.replace(".history.", ".checkpoint.")), number, _read(record))
            except ValueError:
                continue

    def restore(self, saved: Path) -> None:
        """Puts another state in the place of the stack's, which is kept. Raises UserError; then nothing changed."""
        whole = self.state.with_name(f"{self.state.name}.restored")
        try:
            shutil.copy(self.state, self.kept)
            shutil.copy(saved, whole)
            whole.replace(self.state)  # at once, or not at all
        except OSError as error:
            for copied in (whole, self.kept):
                copied.unlink(missing_ok=True)
            raise UserError(
                f"The state cannot be restored in {self.state.parent}: {error.strerror}.\n    df {self.state.parent}"
            ) from None


def stack_files(folder: Path, project: str, stack: str) -> StackFiles:
    """What a backend has of a stack; folder: the backend's, which holds .pulumi. Raises UserError."""
    state = folder / ".pulumi/stacks" / project / stack
    there = [path for ending in _ENDINGS if (path := state.with_name(stack + ending)).is_file()]
    if not there:
        raise UserError(f"There is no state of stack {stack} in {state.parent}.\n    ls -l {state.parent}")
    newest = max(there, key=lambda path: path.stat().st_mtime_ns)
    kept = newest.with_name(f"{newest.name}.{time.time_ns()}.damaged")
    return StackFiles(newest, folder / ".pulumi/history" / project / stack, kept)


def _read(file: Path) -> dict[str, Any]:
    """Raises ValueError where a file is not there, not whole, or compressed as nothing here can read it (zstd)."""
    try:
        content = file.read_bytes()
        document = json.loads(gzip.decompress(content) if content.startswith(_GZIP) else content)
    except (OSError, EOFError, zlib.error):
        raise ValueError from None
    if not isinstance(document, dict):
        raise ValueError  # noqa: TRY004 (of what a file holds)
    return cast("dict[str, Any]", document)
