"""The app's composition."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from fastapi import FastAPI

from .activity import DirectDelivery
from .assistant import Assistant
from .database import Watch, connect, sessions
from .outbox import Relay
from .routes import activity, chat, events, health, problems, todos, user
from .services import Services
from .settings import Settings
from .sidecar import Sidecar

MAX_BODY_BYTES = 256 * 1024


def create_app(settings: Settings) -> FastAPI:
    """Return the app for uvicorn. It also starts without a database, but is not ready then."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with running(settings) as services:
            app.state.services = services
            yield

    app = FastAPI(
        title="Todo",
        version="1",
        description="Todos, and a chat that understands them.",
        openapi_url="/api/openapi.json",
        # Their pages load scripts from another origin.
        docs_url=None,
        redoc_url=None,
        max_body_size=MAX_BODY_BYTES,
        lifespan=lifespan,
    )
    problems.handle(app)
    for module in (user, todos, chat, activity, events, health):
        app.include_router(module.router)
    return app


@asynccontextmanager
async def running(settings: Settings) -> AsyncGenerator[Services]:
    """Run the services for the block. Unpublished events stay in the outbox."""
    async with AsyncExitStack() as stack:
        engine = connect(settings.database())
        stack.push_async_callback(engine.dispose)
        pool = sessions(engine)
        assistant = Assistant(settings)
        stack.push_async_callback(assistant.close)
        sidecar = Sidecar(settings) if settings.events_topic else None
        if sidecar:
            stack.push_async_callback(sidecar.close)
        relay = Relay(pool, sidecar or DirectDelivery(pool))
        stack.push_async_callback(_cancel, asyncio.create_task(relay.run()))
        yield Services(settings, Watch(engine), pool, assistant, sidecar, relay)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
