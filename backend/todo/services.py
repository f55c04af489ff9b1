"""What the app consists of while it runs."""

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
    """sidecar: None where the settings name no topic to publish to."""

    settings: Settings
    database: Watch
    sessions: Sessions
    assistant: Assistant
    sidecar: Sidecar | None
    relay: Relay

    @asynccontextmanager
    async def todos(self, user: str) -> AsyncGenerator[TodoList]:
        """The user's list in one transaction, whose events are published as soon as it is committed."""
        async with self.sessions.begin() as session:
            yield TodoList(session, user)
        if has_events(session):
            self.relay.wake()
