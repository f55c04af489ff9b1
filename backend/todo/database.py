"""The connection to PostgreSQL."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import URL, DateTime, event, text
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

Sessions = async_sessionmaker[AsyncSession]

CONNECT_SECONDS = 5
# The timeout of a silent server; the system's default is hours.
LOST_SECONDS = 30


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(timezone=True)}


def connect(url: URL) -> AsyncEngine:
    """Return a pool that is small enough for a free database and replaces connections that the server closed."""
    return create_async_engine(
        url,
        pool_size=5,
        max_overflow=5,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        # Poolers such as Neon's run each transaction on another connection, without its prepared statements.
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


class Watch:
    """The database's health, checked once and then again only after a query failed.

    So an idle app does not wake a serverless database such as Neon's.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._answers = False
        event.listen(engine.sync_engine, "handle_error", self._notice)

    async def check(self) -> None:
        """Raise SQLAlchemyError if the database does not answer."""
        if not self._answers:
            async with self._engine.connect() as connection:
                await connection.execute(text("select 1"))
            self._answers = True

    def _notice(self, error: ExceptionContext) -> None:
        # The pool pings each connection before its use and replaces a lost one.
        if not error.is_pre_ping and isinstance(error.sqlalchemy_exception, (OperationalError, InterfaceError)):
            self._answers = False
