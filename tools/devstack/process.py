"""A process that is started, awaited until it is ready, and stopped."""

import http.client
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

PROVIDED = Path(__file__).resolve().parents[2] / ".tools"
"""What `python3 tools/bootstrap.py app-tests` provides."""
_START_SECONDS = 60
_STOP_SECONDS = 20
_POLL_SECONDS = 0.05
_ANSWER_SECONDS = 1
_LAST_LINES = 15


class ProcessError(Exception):
    """A part is missing or does not start. The text says why, with the last lines of its log."""


@contextmanager
def running(  # noqa: PLR0913 (a process has these)
    name: str,
    command: Sequence[str | Path],
    log: Path,
    is_ready: Callable[[], bool],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Generator[None]:
    """Starts `command`, waits for `is_ready`, and stops the process at the end; what it prints is appended to `log`.

    folder, environment: where it runs and with which variables, if not those of this process.

    Raises ProcessError.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the one who started this, and who stops the parts in their order
        )
    try:
        _wait(name, process, log, is_ready)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int, path: str, status: HTTPStatus = HTTPStatus.OK) -> bool:
    """Whether a GET of `path` at that port of 127.0.0.1 is answered with `status`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def last_lines(output: str) -> str:
    """The end of what a process printed, where the reason is."""
    return "\n".join(output.splitlines()[-_LAST_LINES:])


def _wait(name: str, process: subprocess.Popen[bytes], log: Path, is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not is_ready():
        if process.poll() is not None:
            problem = f"ended with exit code {process.returncode} at its start"
        elif time.monotonic() > deadline:
            problem = f"is not ready after {_START_SECONDS} s"
        else:
            time.sleep(_POLL_SECONDS)
            continue
        raise ProcessError(f"{name} {problem} ({log}):\n{last_lines(log.read_text(errors='replace'))}")
