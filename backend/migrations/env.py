"""Runs the migrations, for `alembic upgrade head` of the Helm hook and for people.

Source: https://alembic.sqlalchemy.org/en/latest/tutorial.html
"""

import sys

from alembic import context
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import OperationalError

from todo.database import CONNECT_SECONDS, Base
from todo.settings import DatabaseSettings, SettingsError, load

LOCK = 7_402_156  # any number: it names the right to migrate, among the database's advisory locks
# A change that waits longer for a table would hold up the app, which waits behind it.
LOCK_SECONDS = 30


def offline() -> None:
    """Writes the SQL instead of running it."""
    context.configure(dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def online() -> None:
    engine = create_engine(
        load(DatabaseSettings).database(),
        hide_parameters=True,
        connect_args={"prepare_threshold": None, "connect_timeout": CONNECT_SECONDS},
    )
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata)
        with context.begin_transaction():
            connection.execute(text(f"set local lock_timeout = '{LOCK_SECONDS}s'"))
            # Two jobs at once: the second waits, then finds nothing left to do.
            connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
            if newer := _of_a_newer_image():
                # A rollback: the hook of the older image meets the newer image's database, which it can live with.
                print(f"the database is at {newer}, which is newer than this image: nothing to do", file=sys.stderr)
            else:
                context.run_migrations()
                print(f"the database is at {', '.join(context.get_context().get_current_heads())}", file=sys.stderr)


def _of_a_newer_image() -> str | None:
    """The revision that the database is at, where this image does not have it."""
    scripts = ScriptDirectory.from_config(context.config)
    for revision in context.get_context().get_current_heads():
        try:
            scripts.get_revision(revision)
        except CommandError:
            return revision
    return None


try:
    if context.is_offline_mode():
        offline()
    else:
        online()
except SettingsError as error:
    sys.exit(f"alembic: {error}")
except OperationalError as error:
    # The database is away, refuses the password, or holds a lock for too long; the driver says which, and no secret.
    sys.exit(f"alembic: nothing was changed: {str(error.orig).strip()}")
