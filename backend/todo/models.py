"""The tables. A change here needs a migration that is compatible with the previous version: see backend/README.md."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Identity, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .database import Base

TITLE_LENGTH = 200
USER_LENGTH = 64


def _now() -> datetime:
    return datetime.now(UTC)


class Todo(Base):
    __tablename__ = "todos"
    __table_args__ = (Index("todos_by_user", "owner", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    owner: Mapped[str] = mapped_column(String(USER_LENGTH))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    created_at: Mapped[datetime] = mapped_column(default=_now)
    completed_at: Mapped[datetime | None]


class OutboxEvent(Base):
    """An event that was committed with its change and is not published yet."""

    __tablename__ = "outbox"

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    type: Mapped[str] = mapped_column(String(50))
    owner: Mapped[str] = mapped_column(String(USER_LENGTH))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime] = mapped_column(default=_now)
    traceparent: Mapped[str | None] = mapped_column(String(55))

    def payload(self) -> dict[str, Any]:
        """Return the published data, with the time of the change."""
        return {**self.data, "user": self.owner, "at": self.recorded_at.isoformat()}


class Activity(Base):
    """An event that came back from the topic. It has the event's id, so that a repeated delivery changes nothing."""

    __tablename__ = "activity"
    __table_args__ = (Index("activity_by_user", "owner", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(50))
    owner: Mapped[str] = mapped_column(String(USER_LENGTH))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    at: Mapped[datetime]
