"""The backend, its migrations, and a fake Cohere."""

import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from system.errors import UserError

from .ports import free_port
from .process import answers, last_lines, running

BACKEND = Path(__file__).resolve().parents[2] / "backend"
COHERE_API_KEY = "the key of the fake Cohere"
SERVE = ("-m", "todo")

_PYTHON = BACKEND / ".venv" / "bin" / "python"


@contextmanager
def backend(environment: Mapping[str, str], port: int, log: Path, arguments: Sequence[str] = SERVE) -> Generator[str]:
    """Run the backend at a port of 127.0.0.1, with the settings in `environment`, and yield its address.

    arguments: of Python; by default as in the image. Raises UserError.
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
    """Run a fake Cohere that accepts COHERE_API_KEY, and yield its address. Raises UserError."""
    _require()
    port = free_port()
    with running(
        "the fake Cohere",
        [_PYTHON, "-m", "dev.cohere", str(port)],
        log,
        lambda: answers(port, "/openapi.json"),
        folder=BACKEND,
        environment={"COHERE_API_KEY": COHERE_API_KEY},
    ):
        yield f"http://127.0.0.1:{port}"


def migrate(database_url: str) -> None:
    """Migrate the database as the Helm hook does. Raises UserError."""
    _run([_PYTHON, "-m", "alembic", "upgrade", "head"], {"DATABASE_URL": database_url})


def token(user: str, environment: Mapping[str, str]) -> str:
    """Return a bearer token for `user`, valid for a day, signed with the secret in `environment`. Raises UserError."""
    return _run([_PYTHON, "-m", "todo", "token", user], environment).strip()


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> str:
    _require()
    done = subprocess.run(command, cwd=BACKEND, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"`python {' '.join(map(str, command[1:4]))}` failed:\n{last_lines(done.stderr)}")
    return done.stdout


def _require() -> None:
    if not _PYTHON.exists():
        raise UserError("The backend's packages are not installed.", "python3 tools/bootstrap.py app")
