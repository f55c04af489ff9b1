"""The delivered app with real services."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from devstack.backend import COHERE_API_KEY, backend, cohere, migrate, token
from devstack.ports import free_port
from devstack.postgres import postgres
from devstack.web import ingress

AUTH_SECRET = "a secret of the tests, which is long enough"


class App:
    """The app behind its ingress."""

    def __init__(self, url: str, environment: Mapping[str, str], port: int, log: Path) -> None:
        self.url = url  # of the ingress
        self.environment = environment  # of the backend
        self._port = port
        self._log = log
        self._running = ExitStack()

    def token(self, user: str) -> str:
        return token(user, self.environment)

    def start_backend(self) -> None:
        self.stop_backend()
        self._running.enter_context(backend(self.environment, self._port, self._log))

    def stop_backend(self) -> None:
        self._running.close()


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="todo-") as folder:
        Path(folder).chmod(0o755)  # for the accounts that PostgreSQL and nginx run as, where the tests run as root
        yield Path(folder)


@pytest.fixture(scope="session")
def database(folder: Path) -> Iterator[str]:
    with postgres(folder / "postgres") as url:
        migrate(url)
        yield url


@pytest.fixture(scope="session")
def environment(folder: Path, database: str) -> Iterator[Mapping[str, str]]:
    """The backend's settings without a sidecar."""
    with cohere(folder / "cohere.log") as url:
        yield {
            "DATABASE_URL": database,
            "BETTER_AUTH_SECRET": AUTH_SECRET,
            "COHERE_API_KEY": COHERE_API_KEY,
            "COHERE_BASE_URL": url,
        }


@pytest.fixture(scope="session")
def app(folder: Path, environment: Mapping[str, str]) -> Iterator[App]:
    port = free_port()
    with ingress(folder, port) as url:
        app = App(url, environment, port, folder / "backend.log")
        app.start_backend()
        yield app
        app.stop_backend()
