"""The connection to PostgreSQL."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import URL, DateTime
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

Sessions = async_sessionmaker[AsyncSession]

CONNECT_SECONDS = 5
# Until a server that is gone without a word is given up. The system would wait for hours.
LOST_SECONDS = 30


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(timezone=True)}


def connect(url: URL) -> AsyncEngine:
    """A pool that is as small as a free database, and that notices the connections which it has closed."""
    return create_async_engine(
        url,
        pool_size=5,
        max_overflow=5,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        # Poolers such as Neon's give each transaction another connection, where a prepared statement is unknown.
        connect_args={
            "prepare_threshold": None,
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": LOST_SECONDS // 3,
            "keepalives_interval": LOST_SECONDS // 6,
            "keepalives_count": 4,
            "tcp_user_timeout": LOST_SECONDS * 1000,
        },
    )


def sessions(engine: AsyncEngine) -> Sessions:
    return async_sessionmaker(engine, expire_on_commit=False)
