"""The transactional outbox: an event is committed with the change that it tells of, and published afterwards.

So none is lost while the sidecar is away, and none is published for a change that was rolled back. An event may be
published twice, when the process ends in between: its id stays the same, and whoever reads it goes by that.

Source: https://microservices.io/patterns/data/transactional-outbox.html
"""

import asyncio
from contextlib import suppress
from typing import Any, Protocol

import structlog
from opentelemetry import metrics
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from .database import Sessions
from .models import OutboxEvent
from .telemetry import traceparent

FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 30.0
# For what another process left behind, and could not tell this one of; the one in its place looks when it starts.
# Rarely, for a database that sleeps when nobody asks it.
IDLE_SECONDS = 3600.0
# Longer than a publication may take: the database then ends the transaction of a process that died without a word, or
# nobody else could publish until its connection is given up, which may take hours.
HOLD_SECONDS = 30
LOCK = 7_402_157  # any number: it names the right to publish, among the database's advisory locks
_RECORDED = "events were recorded"

log = structlog.get_logger(__name__)
_meter = metrics.get_meter(__name__)
_published = _meter.create_counter("todo.events.published", description="Events that the sidecar took")
_failed = _meter.create_counter("todo.events.failed", description="Attempts that it did not")


class PublishError(Exception):
    """The event was not taken; it may be later. The text is the reason."""


class Publisher(Protocol):
    async def publish(self, event: OutboxEvent) -> None:
        """Returns when the event is safe with the broker. Raises PublishError."""


def record(session: AsyncSession, type_: str, owner: str, data: dict[str, Any]) -> None:
    """Lets `session`'s transaction leave an event, to be published once it is committed."""
    session.info[_RECORDED] = True
    session.add(OutboxEvent(type=type_, owner=owner, data=data, traceparent=traceparent()))


def has_events(session: AsyncSession) -> bool:
    """Whether `session` has recorded any."""
    return _RECORDED in session.info


class Relay:
    """Publishes the outbox, in order. Any number of processes may run one: they take turns."""

    def __init__(self, sessions: Sessions, publisher: Publisher) -> None:
        self._sessions = sessions
        self._publisher = publisher
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Tells it that a transaction with events was committed."""
        self._woken.set()

    async def run(self) -> None:
        """Publishes until it is cancelled, and outlives a database or a sidecar that is away."""
        retry = FIRST_RETRY_SECONDS
        while True:
            self._woken.clear()
            try:
                while await self._publish_next():
                    pass
            except (PublishError, SQLAlchemyError) as error:
                log.warning("events wait", reason=_reason(error), retry_seconds=retry)
                retry = await _pause(retry)
            except Exception:
                # Nobody waits for this task, so it would end unseen.
                log.exception("events wait", retry_seconds=retry)
                retry = await _pause(retry)
            else:
                retry = FIRST_RETRY_SECONDS
                await self._until_woken()

    async def _publish_next(self) -> bool:
        async with self._sessions.begin() as session:
            # Held until the event is gone from the outbox, or two processes would publish it, or overtake each other.
            limit = func.set_config("idle_in_transaction_session_timeout", f"{HOLD_SECONDS}s", True)  # noqa: FBT003
            await session.execute(select(limit, func.pg_advisory_xact_lock(LOCK)))
            event = (await session.scalars(select(OutboxEvent).order_by(OutboxEvent.position).limit(1))).one_or_none()
            if event is None:
                return False
            await self._publisher.publish(event)
            await session.delete(event)
        _published.add(1)
        return True

    async def _until_woken(self) -> None:
        # Not wait_for, which in Python 3.11 can lose a cancellation: https://github.com/python/cpython/issues/86296
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):
                await self._woken.wait()


async def _pause(seconds: float) -> float:
    """Waits after a failure. Returns how long to wait after the next one."""
    _failed.add(1)
    task = asyncio.current_task()
    if task and task.cancelling():
        # A cancellation ends in a rollback, whose failure on a lost connection takes its place.
        raise asyncio.CancelledError
    await asyncio.sleep(seconds)
    return min(seconds * 2, LAST_RETRY_SECONDS)


def _reason(error: PublishError | SQLAlchemyError) -> str:
    # SQLAlchemy's text is that of the driver, which names the server and the user.
    return str(error) if isinstance(error, PublishError) else f"the database: {type(error).__name__}"
