"""The backend as a process, with the stand-in for Cohere and its migrations."""

import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .ports import free_port
from .process import ProcessError, answers, last_lines, running

BACKEND = Path(__file__).resolve().parents[2] / "backend"
COHERE_API_KEY = "the stand-in's key"
SERVE = ("-m", "todo")

_PYTHON = BACKEND / ".venv" / "bin" / "python"


@contextmanager
def backend(environment: Mapping[str, str], port: int, log: Path, arguments: Sequence[str] = SERVE) -> Generator[str]:
    """The backend at `port` of 127.0.0.1, with the settings in `environment`. Yields its address.

    arguments: of Python, where it is not to be served as in its image. Raises ProcessError.
    """
    _require()
    variables = {"HOST": "127.0.0.1", "PORT": str(port), **environment}
    with running(
        "the backend",
        [_PYTHON, *arguments],
        log,
        lambda: answers(port, "/api/health"),
        folder=BACKEND,
        environment=variables,
    ):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def cohere(log: Path) -> Generator[str]:
    """A stand-in for Cohere, for the key COHERE_API_KEY. Yields its address. Raises ProcessError."""
    _require()
    port = free_port()
    with running(
        "Cohere's stand-in",
        [_PYTHON, "-m", "dev.cohere", str(port)],
        log,
        lambda: answers(port, "/openapi.json"),
        folder=BACKEND,
        environment={"COHERE_API_KEY": COHERE_API_KEY},
    ):
        yield f"http://127.0.0.1:{port}"


def migrate(database_url: str) -> None:
    """Brings the database up to date, as the Helm hook does. Raises ProcessError."""
    _run([_PYTHON, "-m", "alembic", "upgrade", "head"], {"DATABASE_URL": database_url})


def token(user: str, environment: Mapping[str, str]) -> str:
    """A bearer token for `user`, valid for a day, with the secret in `environment`. Raises ProcessError."""
    return _run([_PYTHON, "-m", "todo", "token", user], environment).strip()


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> str:
    _require()
    done = subprocess.run(command, cwd=BACKEND, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProcessError(f"`python {' '.join(map(str, command[1:4]))}` failed:\n{last_lines(done.stderr)}")
    return done.stdout


def _require() -> None:
    if not _PYTHON.exists():
        raise ProcessError("The backend's packages are not there: run `python3 tools/bootstrap.py app`.")
