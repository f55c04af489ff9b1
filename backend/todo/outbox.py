"""The transactional outbox: an event is committed with its change and published afterwards.

No event is lost while the sidecar is down, and none is published for a change that was rolled back. A process that ends
between the publication and its commit publishes an event twice, with the same id; consumers deduplicate by the id.

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
# The poll for events of another process that ended; its successor also looks at its start. Rare, so that a serverless
# database can sleep.
IDLE_SECONDS = 3600.0
# Longer than a publication takes. After it the database ends the transaction of a process that died silently, which
# would otherwise hold the lock for hours.
HOLD_SECONDS = 30
LOCK = 7_402_157  # any number: the advisory lock of publishers
_RECORDED = "events were recorded"

log = structlog.get_logger(__name__)
_meter = metrics.get_meter(__name__)
_published = _meter.create_counter("todo.events.published", description="Events that the sidecar took")
_failed = _meter.create_counter("todo.events.failed", description="Attempts that it did not")


class PublishError(Exception):
    """The event was not published; a retry may succeed. The text is the reason."""


class Publisher(Protocol):
    async def publish(self, event: OutboxEvent) -> None:
        """Return after the broker has stored the event. Raises PublishError."""


def record(session: AsyncSession, type_: str, owner: str, data: dict[str, Any]) -> None:
    """Add an event to `session`'s transaction, to be published after the commit."""
    session.info[_RECORDED] = True
    session.add(OutboxEvent(type=type_, owner=owner, data=data, traceparent=traceparent()))


def has_events(session: AsyncSession) -> bool:
    """Return whether `session` has recorded events."""
    return _RECORDED in session.info


class Relay:
    """Publishes the outbox in order. Several processes may run one: they take turns."""

    def __init__(self, sessions: Sessions, publisher: Publisher) -> None:
        self._sessions = sessions
        self._publisher = publisher
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Publish the events of a transaction that was just committed."""
        self._woken.set()

    async def run(self) -> None:
        """Publish until cancelled, and retry while the database or the sidecar is down."""
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
                # Nothing awaits this task, so its end would go unnoticed.
                log.exception("events wait", retry_seconds=retry)
                retry = await _pause(retry)
            else:
                retry = FIRST_RETRY_SECONDS
                await self._until_woken()

    async def _publish_next(self) -> bool:
        async with self._sessions.begin() as session:
            # Held until the event is deleted: otherwise two processes could publish it, or publish out of order.
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
    """Wait after a failure and return the next wait in seconds."""
    _failed.add(1)
    task = asyncio.current_task()
    if task and task.cancelling():
        # A failed rollback on a lost connection replaces the cancellation.
        raise asyncio.CancelledError
    await asyncio.sleep(seconds)
    return min(seconds * 2, LAST_RETRY_SECONDS)


def _reason(error: PublishError | SQLAlchemyError) -> str:
    # SQLAlchemy's text contains the driver's, which names the server and the user.
    return str(error) if isinstance(error, PublishError) else f"the database: {type(error).__name__}"
