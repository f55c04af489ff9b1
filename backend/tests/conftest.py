"""The app on a real database, with a fake Cohere that validates each request.

Greenlet's clean-up of a thread that has ended can spin for ever, so no thread here may touch a greenlet. The app runs
in the main thread's event loop or in a process. Coverage looks up the current greenlet wherever it traces, so it traces
no threads (`concurrency` in pyproject.toml).
"""

import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from devstack.backend import COHERE_API_KEY, cohere
from devstack.postgres import postgres
from todo.app import create_app
from todo.settings import Settings
from todo.telemetry import configure
from todo.tokens import issue

BACKEND = Path(__file__).parents[1]
SECRET = SecretStr("a secret of the tests, which is long enough for every algorithm of HMAC")


def child_environment(**variables: str) -> dict[str, str]:
    """Return the environment of a container, with the variables that coverage needs."""
    kept = {name: it for name, it in os.environ.items() if name == "PATH" or name.startswith("COVERAGE_")}
    return {**kept, **variables}


Client = Callable[[str], httpx.AsyncClient]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def telemetry() -> None:
    configure()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with TemporaryDirectory(prefix="todo-") as folder:
        Path(folder).chmod(0o755)  # for the account that PostgreSQL runs as, where the tests run as root
        with postgres(Path(folder, "postgres")) as url:
            yield url


@pytest.fixture(scope="session")
def migrated(server: str) -> str:
    environment = {**os.environ, "DATABASE_URL": server}
    subprocess.run(["alembic", "upgrade", "head"], cwd=BACKEND, env=environment, check=True, capture_output=True)
    return server


@pytest.fixture
def database_url(migrated: str) -> str:
    """The address of a database with empty tables."""
    with psycopg.connect(migrated) as connection:
        connection.execute("truncate todos, outbox, activity")
    return migrated


@pytest.fixture(scope="session")
def cohere_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cohere(tmp_path_factory.mktemp("cohere") / "log") as url:
        yield url


@pytest.fixture
def settings(database_url: str, cohere_url: str) -> Settings:
    return Settings(
        database_url=SecretStr(database_url),
        better_auth_secret=SECRET,
        cohere_api_key=SecretStr(COHERE_API_KEY),
        cohere_base_url=cohere_url,
    )


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[Client]:
    """Return a function that returns a client signed in as a user."""
    clients: list[httpx.AsyncClient] = []

    def signed_in(user: str) -> httpx.AsyncClient:
        clients.append(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://backend",
                headers={"Authorization": f"Bearer {issue(user, timedelta(hours=1), SECRET)}"},
            )
        )
        return clients[-1]

    yield signed_in
    for one in clients:
        await one.aclose()


@pytest.fixture
async def alice(client: Client) -> httpx.AsyncClient:
    return client("alice")


@pytest.fixture
async def bob(client: Client) -> httpx.AsyncClient:
    return client("bob")
