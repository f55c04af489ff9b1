"""`alembic upgrade head`, as the Helm hook runs it."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import NullPool, create_engine

from delivery.rollback.migrations import sql_effect
from devstack.ports import free_port
from todo import models
from todo.settings import DatabaseSettings

from .conftest import BACKEND, child_environment


@pytest.fixture
def empty(server: str) -> Iterator[str]:
    """A database without tables."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create database empty")
        yield server.removesuffix("/todo") + "/empty"
        connection.execute("drop database empty with (force)")


def alembic(*arguments: str, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["alembic", *arguments],
        cwd=BACKEND,
        env=child_environment(DATABASE_URL=url),
        capture_output=True,
        text=True,
        check=False,
    )


def revision(url: str) -> str:
    with psycopg.connect(url) as connection:
        return connection.execute("select version_num from alembic_version").fetchall()[0][0]


def test_migrations_match_the_models(empty: str) -> None:
    done = alembic("upgrade", "head", url=empty)
    assert done.returncode == 0, done.stderr
    assert "the database is at 0002" in done.stderr
    settings = DatabaseSettings.model_validate({"database_url": empty})
    with create_engine(settings.database(), poolclass=NullPool).connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), models.Base.metadata)
    assert differences == []


def test_second_run_changes_nothing(empty: str) -> None:
    for _ in range(2):
        done = alembic("upgrade", "head", url=empty)
        assert done.returncode == 0, done.stderr
    assert revision(empty) == "0002"


def test_concurrent_runs_migrate_once(empty: str) -> None:
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(alembic, "upgrade", "head", url=empty) for _ in range(3)]
    assert [run.result().returncode for run in runs] == [0, 0, 0], [run.result().stderr for run in runs]
    assert revision(empty) == "0002"


def test_older_image_keeps_a_newer_database(empty: str) -> None:
    alembic("upgrade", "head", url=empty)
    with psycopg.connect(empty) as connection:
        connection.execute("update alembic_version set version_num = '0099'")
    done = alembic("upgrade", "head", url=empty)
    assert done.returncode == 0, done.stderr
    assert "the database is at 0099, which is newer than this image" in done.stderr
    assert revision(empty) == "0099"


def test_unreachable_database_is_one_sentence() -> None:
    done = alembic("upgrade", "head", url=f"postgresql://todo:hunter2@127.0.0.1:{free_port()}/todo")
    assert done.returncode == 1
    assert done.stderr.startswith("alembic: nothing was changed: connection failed")
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_failed_migration_changes_nothing(empty: str) -> None:
    alembic("upgrade", "0001", url=empty)
    with psycopg.connect(empty) as connection:
        connection.execute("create table activity (id int)")
    done = alembic("upgrade", "head", url=empty)
    assert done.returncode != 0
    assert revision(empty) == "0001"


def test_migrations_are_compatible_with_the_previous_version() -> None:
    written = alembic("upgrade", "head", "--sql", url="postgresql://nobody@nowhere/none")
    assert written.returncode == 0, written.stderr
    assert "CREATE TABLE todos" in written.stdout
    assert sql_effect(written.stdout) != "breaking"


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE todos DROP COLUMN title",
        "ALTER TABLE todos RENAME COLUMN title TO name",
        "ALTER TABLE todos ADD COLUMN due DATE NOT NULL",
        "ALTER TABLE todos ALTER COLUMN title TYPE INTEGER",
        "ALTER TABLE todos ALTER COLUMN title SET NOT NULL",
    ],
)
def test_breaking_statement_is_detected(statement: str) -> None:
    assert sql_effect(statement) == "breaking"
    assert sql_effect("ALTER TABLE todos ADD COLUMN due DATE") == "harmless"
    assert sql_effect("ALTER TABLE todos ADD COLUMN done BOOLEAN DEFAULT false NOT NULL") == "harmless"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", "DATABASE_URL is not set"),
        ("mysql://todo:hunter2@db/todo", "DATABASE_URL is not postgresql://user:password@host/database"),
        ("postgresql://todo:p@ss:hunter2@db/todo", "DATABASE_URL is not postgresql://user:password@host/database"),
        ("hunter2", "DATABASE_URL is not postgresql://user:password@host/database"),
    ],
)
def test_invalid_address_is_one_sentence(url: str, error: str) -> None:
    done = alembic("upgrade", "head", url=url)
    assert done.returncode == 1
    assert done.stderr == f"alembic: cannot start: {error}; see backend/README.md for each variable\n"
    assert "hunter2" not in done.stdout + done.stderr
