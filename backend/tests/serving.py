"""The app as a process, and fake services in the event loop of the test that asks them: neither takes a thread."""

import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from devstack.ports import free_port
from todo.settings import Settings

from .conftest import BACKEND, child_environment


@asynccontextmanager
async def serve(app: FastAPI) -> AsyncGenerator[str]:
    """Yield the address of a fake service on 127.0.0.1."""
    config = uvicorn.Config(app, host="127.0.0.1", port=free_port(), log_config=None, lifespan="off")
    config.load()
    # Not `server.serve()`, which takes the process's signal handlers.
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield f"http://127.0.0.1:{config.port}"
    finally:
        await server.shutdown()


def environment(settings: Settings) -> dict[str, str]:
    return {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "BETTER_AUTH_SECRET": settings.better_auth_secret.get_secret_value(),
        "COHERE_API_KEY": settings.cohere_api_key.get_secret_value(),
        "COHERE_BASE_URL": settings.cohere_base_url,
    }


@contextmanager
def process(settings: Settings, output: int = subprocess.PIPE) -> Generator[tuple["subprocess.Popen[str]", str]]:
    """Yield the app's process and its address, once it is healthy."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "todo"],
        cwd=BACKEND,
        env=child_environment(**environment(settings), PORT=str(port), HOST="127.0.0.1"),
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    ) as started:
        url = f"http://127.0.0.1:{port}"
        try:
            _await_health(started, url)
            yield started, url
        finally:
            started.kill()


def _await_health(started: "subprocess.Popen[str]", url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert started.poll() is None, "it ended at its start"
        try:
            httpx.get(f"{url}/api/health").raise_for_status()
        except httpx.TransportError:
            assert time.monotonic() < deadline, "it does not start"
            time.sleep(0.05)
        else:
            return
