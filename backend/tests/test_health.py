"""The probes and the metrics."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import event, make_url

from devstack.ports import free_port
from todo import database
from todo.app import create_app
from todo.routes import health
from todo.settings import Settings
from todo.tokens import issue

from .dapr_api import FakeSidecar, running
from .test_chat import say
from .test_todos import add


@pytest.fixture
def sidecar() -> FakeSidecar:
    return FakeSidecar()


@asynccontextmanager
async def alice_of(settings: Settings) -> AsyncGenerator[tuple[FastAPI, httpx.AsyncClient]]:
    """Run an app with these settings, and yield it with Alice's client."""
    app = create_app(settings)
    headers = {"Authorization": f"Bearer {issue('alice', timedelta(hours=1), settings.better_auth_secret)}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://backend", headers=headers) as client,
    ):
        yield app, client


async def ask(settings: Settings, path: str) -> tuple[int, Any]:
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://backend") as client,
    ):
        answer = await client.get(path)
        return answer.status_code, answer.json()


@pytest.fixture
def beside(settings: Settings, sidecar: FakeSidecar) -> Settings:
    ports = {"dapr_http_port": sidecar.http_port, "dapr_grpc_port": sidecar.grpc_port}
    return settings.model_copy(update={"events_topic": "todo-events", **ports})


@pytest.fixture
def no_database(beside: Settings) -> Settings:
    url = SecretStr(f"postgresql://todo:hunter2@127.0.0.1:{free_port()}/todo")
    return beside.model_copy(update={"database_url": url})


async def test_ready_when_database_and_sidecar_are(beside: Settings, sidecar: FakeSidecar) -> None:
    async with running(sidecar):
        answer = await ask(beside, "/api/ready")
    assert answer == (200, {"status": "ready", "checks": {"database": "ok", "sidecar": "ok"}})


async def test_ready_without_a_sidecar_where_no_topic_is_set(settings: Settings) -> None:
    assert await ask(settings, "/api/ready") == (200, {"status": "ready", "checks": {"database": "ok"}})


async def test_unreachable_services_are_named(no_database: Settings, caplog: pytest.LogCaptureFixture) -> None:
    status, answer = await ask(no_database, "/api/ready")
    assert status == 503
    assert answer == {
        "status": "not ready",
        "checks": {
            "database": "does not answer (OperationalError)",
            "sidecar": "does not answer (ConnectError)",
        },
    }
    assert "hunter2" not in caplog.text
    assert await ask(no_database, "/api/health") == (200, {"status": "ok"})


async def test_not_ready_before_the_sidecar_is(beside: Settings, sidecar: FakeSidecar) -> None:
    sidecar.ready = False
    async with running(sidecar):
        status, answer = await ask(beside, "/api/ready")
    assert (status, answer["checks"]["sidecar"]) == (503, "is not ready (HTTP 500)")


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    """A port that accepts connections and never responds."""

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_silent_sidecar_times_out(beside: Settings, silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.2)
    status, answer = await ask(beside.model_copy(update={"dapr_http_port": silent_port}), "/api/ready")
    assert (status, answer["checks"]["sidecar"]) == (503, "does not answer within 0.2 s")


async def test_unreachable_database_is_a_503(no_database: Settings) -> None:
    async with alice_of(no_database) as (_, client):
        answer = await client.get("/api/todos")
        chat = await client.post("/api/chat", json={"messages": [{"role": "user", "content": "add milk"}]})
    for it in (answer, chat):
        assert it.status_code == 503
        assert it.headers["Retry-After"] == "5"
        assert it.json() == {"detail": "The todos cannot be reached now: try again in a moment."}


class Proxy:
    """A TCP proxy of a database, which can be closed."""

    def __init__(self, port: int) -> None:
        self._to, self.port, self.chunks = port, free_port(), 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)

    def close(self) -> None:
        if self._server:
            self._server.close()
        for writer in self._open:
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_database, to_database = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, to_database}
        await asyncio.gather(self._copy(reader, to_database), self._copy(from_database, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(65536):
                self.chunks += 1
                writer.write(chunk)
        writer.close()


async def test_probes_do_not_wake_an_idle_database(settings: Settings) -> None:
    url = make_url(settings.database_url.get_secret_value())
    proxy = Proxy(url.port or 5432)
    proxied = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
    await proxy.open()
    async with alice_of(settings.model_copy(update={"database_url": SecretStr(proxied)})) as (_, client):

        async def status(path: str) -> int:
            return (await client.get(path)).status_code

        assert await status("/api/ready") == 200
        await asyncio.sleep(0.3)  # for the relay's first query
        chunks = proxy.chunks
        assert [await status("/api/ready") for _ in range(5)] == [200] * 5
        assert proxy.chunks == chunks

        proxy.close()
        assert await status("/api/ready") == 200  # no query has failed yet
        assert await status("/api/todos") == 503
        assert await status("/api/ready") == 503

        await proxy.open()
        assert await status("/api/ready") == 200
        assert await status("/api/todos") == 200
        proxy.close()


async def test_replaced_connection_triggers_no_new_check(settings: Settings) -> None:
    asked: list[str] = []
    async with alice_of(settings) as (app, client):
        assert (await client.get("/api/ready")).status_code == 200
        await asyncio.sleep(0.3)
        with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as other:
            other.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
        engine = app.state.services.sessions.kw["bind"].sync_engine
        event.listen(engine, "before_cursor_execute", lambda _c, _d, statement, *_: asked.append(statement))
        assert (await client.get("/api/todos")).status_code == 200
        assert asked
        asked.clear()
        assert (await client.get("/api/ready")).status_code == 200
        assert asked == []


async def test_exhausted_pool_is_a_503(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "CONNECT_SECONDS", 1)
    async with alice_of(settings) as (app, client), AsyncExitStack() as busy:
        for _ in range(10):
            await busy.enter_async_context(app.state.services.sessions.kw["bind"].connect())
        answer = await client.get("/api/todos")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


async def test_metrics_count_requests_and_chats(alice: httpx.AsyncClient) -> None:
    await add(alice, "milk")
    await say(alice, "add bread")
    text = (await alice.get("/metrics")).text
    assert 'http_route="/api/todos"' in text
    assert 'todo_chat_answers_total{outcome="answered"}' in text
    assert "http_server_request_duration_seconds_bucket" in text
    assert "alice" not in text
