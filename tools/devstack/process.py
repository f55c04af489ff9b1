"""Start a process, wait until it is ready, and stop it."""

import http.client
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from system.errors import UserError

PROVIDED = Path(__file__).resolve().parents[2] / ".tools"
"""The folder that `python3 tools/bootstrap.py app-tests` fills."""
_POLL_SECONDS = 0.05
_RESPONSE_SECONDS = 1
_LAST_LINES = 15


@contextmanager
def running(  # noqa: PLR0913 (a process has these)
    name: str,
    command: Sequence[str | Path],
    log: Path,
    is_ready: Callable[[], bool],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    start_seconds: float = 60,
    stop_seconds: float = 20,
) -> Generator[None]:
    """Run `command` for the block, from the time that it is ready; its output is appended to `log`.

    folder, environment: by default this process's. start_seconds, stop_seconds: until the process is killed.

    Raises UserError where it does not become ready.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the caller alone, who stops its processes in order
        )
    try:
        _wait(name, process, log, is_ready, start_seconds)
        yield
    finally:
        process.terminate()
        try:
            process.wait(stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int, path: str, status: HTTPStatus = HTTPStatus.OK) -> bool:
    """Return whether a GET of `path` at a port of 127.0.0.1 has this status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_RESPONSE_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def last_lines(output: str) -> str:
    """Return the end of a process's output."""
    return "\n".join(output.splitlines()[-_LAST_LINES:])


def _wait(name: str, process: subprocess.Popen[bytes], log: Path, is_ready: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_ready():
        if process.poll() is not None:
            problem = f"ended with exit code {process.returncode} before it was ready"
        elif time.monotonic() > deadline:
            problem = f"was not ready within {seconds:g} s"
        else:
            time.sleep(_POLL_SECONDS)
            continue
        raise UserError(f"{name} {problem} ({log}):\n{last_lines(log.read_text(errors='replace'))}")
