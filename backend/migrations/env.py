"""Run the migrations, for `alembic upgrade head` in the Helm hook and in development.

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

LOCK = 7_402_156  # any number: the advisory lock of migrations
# The app's queries queue behind a migration that waits for a table.
LOCK_SECONDS = 30


def offline() -> None:
    """Print the SQL instead of running it."""
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
            # Of two jobs at once, the second waits and then finds nothing to do.
            connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
            if newer := _of_a_newer_image():
                # A rollback: the older image is compatible with the newer image's database.
                print(f"the database is at {newer}, which is newer than this image: nothing to do", file=sys.stderr)
            else:
                context.run_migrations()
                print(f"the database is at {', '.join(context.get_context().get_current_heads())}", file=sys.stderr)


def _of_a_newer_image() -> str | None:
    """Return the database's revision if this image does not have it."""
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
    # Unreachable, wrong password or lock timeout: the driver's message says which, without a secret.
    sys.exit(f"alembic: nothing was changed: {str(error.orig).strip()}")
