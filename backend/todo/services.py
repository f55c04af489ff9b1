"""The services of a running app."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .assistant import Assistant
from .database import Sessions, Watch
from .outbox import Relay, has_events
from .settings import Settings
from .sidecar import Sidecar
from .todos import TodoList


@dataclass(frozen=True)
class Services:
    settings: Settings
    database: Watch
    sessions: Sessions
    assistant: Assistant
    sidecar: Sidecar | None  # None without a topic in the settings
    relay: Relay

    @asynccontextmanager
    async def todos(self, user: str) -> AsyncGenerator[TodoList]:
        """Yield the user's list in one transaction, and publish its events after the commit."""
        async with self.sessions.begin() as session:
            yield TodoList(session, user)
        if has_events(session):
            self.relay.wake()
