"""A PostgreSQL server.

Source: https://www.postgresql.org/docs/current/app-pg-ctl.html
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .ports import free_port

# Of a server that nobody else can reach.
USER = PASSWORD = DATABASE = "todo"  # noqa: S105
START_SECONDS = 30
# PostgreSQL refuses to run as root. Every system has this account, and it owns nothing else.
UNPRIVILEGED = "nobody"


class PostgresError(Exception):
    """The server cannot be had or does not start. The text says why, with the last lines of its log."""


@contextmanager
def postgres(folder: Path) -> Generator[str]:
    """A server whose data are in `folder`, which is made where it does not exist, and kept.

    Yields the database's address, postgresql://user:password@host:port/database. Raises PostgresError.
    """
    programs = find_programs()
    data, log = folder / "data", folder / "log"
    if not data.exists():
        _create(programs, folder)
    port = free_port()
    # The socket's path has a length that folders easily exceed, and everybody here uses TCP.
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c synchronous_commit=off"
    control = [programs / "pg_ctl", "--pgdata", data, "--silent"]
    started = _run([*control, "start", "--wait", f"--timeout={START_SECONDS}", f"--log={log}", f"--options={options}"])
    if started.returncode:
        last = "\n".join(log.read_text().splitlines()[-10:]) if log.exists() else started.stdout
        raise PostgresError(f"PostgreSQL did not start in {folder}:\n{last}")
    try:
        yield f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}"
    finally:
        _run([*control, "stop", "--mode=fast", "--wait"])


def find_programs() -> Path:
    """The folder of PostgreSQL's server programs: that of the PATH, else the newest that Debian or Homebrew has.

    Raises PostgresError.
    """
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    folders = [
        folder
        for pattern in (
            "usr/lib/postgresql/*/bin",
            "opt/homebrew/opt/postgresql@*/bin",
            "usr/local/opt/postgresql@*/bin",
        )
        for folder in Path("/").glob(pattern)
        if (folder / "pg_ctl").exists()
    ]
    if not folders:
        raise PostgresError("PostgreSQL is not installed: run `python3 tools/bootstrap.py app`")
    return max(folders, key=lambda folder: float(folder.parent.name.removeprefix("postgresql@")))


def _create(programs: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, UNPRIVILEGED)
    password = folder / "password"
    password.write_text(PASSWORD)
    initdb = [programs / "initdb", "--pgdata", folder / "data", "--username", USER, "--pwfile", password]
    made = _run([*initdb, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
    if made.returncode:
        shutil.rmtree(folder / "data", ignore_errors=True)
        raise PostgresError(f"initdb failed in {folder}:\n{made.stdout}")
    _single(programs, folder / "data", f"CREATE DATABASE {DATABASE}")


def _single(programs: Path, data: Path, statement: str) -> None:
    """Runs a statement in a server that is not started yet."""
    made = _run([programs / "postgres", "--single", "-D", data, "postgres"], typed=statement + "\n")
    if made.returncode:
        raise PostgresError(f"`{statement}` failed in {data}:\n{made.stdout}")


def _run(command: list[str | Path], typed: str = "") -> subprocess.CompletedProcess[str]:
    # A file and not a pipe, because the server that pg_ctl leaves running would hold a pipe open.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            command,
            input=typed,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd="/",
            user=UNPRIVILEGED if os.geteuid() == 0 else None,
        )
        output.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, output.read())
