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
from .process import PROVIDED, ProcessError, last_lines

# Of a server that nobody else can reach.
USER = PASSWORD = DATABASE = "todo"  # noqa: S105
START_SECONDS = 30
# PostgreSQL refuses to run as root. Every system has this account, and it owns nothing else.
UNPRIVILEGED = "nobody"


@contextmanager
def postgres(folder: Path) -> Generator[str]:
    """A server whose data are in `folder`, which is made where it does not exist, and kept.

    Yields the database's address, postgresql://user:password@host:port/database. Raises ProcessError.
    """
    data, log = folder / "data", folder / "log"
    if not data.exists():
        _create(folder)
    port = free_port()
    # The socket's path has a length that folders easily exceed, and everybody here uses TCP.
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c synchronous_commit=off"
    control = [_program("pg_ctl"), "--pgdata", data, "--silent"]
    started = _run([*control, "start", "--wait", f"--timeout={START_SECONDS}", f"--log={log}", f"--options={options}"])
    if started.returncode:
        told = log.read_text() if log.exists() else started.stdout
        raise ProcessError(f"PostgreSQL does not start ({log}):\n{last_lines(told)}")
    try:
        yield f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}"
    finally:
        _run([*control, "stop", "--mode=fast", "--wait"])


def _create(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, UNPRIVILEGED)
    password = folder / "password"
    password.write_text(PASSWORD)
    initdb = [_program("initdb"), "--pgdata", folder / "data", "--username", USER, "--pwfile", password]
    made = _run([*initdb, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"])
    if made.returncode:
        shutil.rmtree(folder / "data", ignore_errors=True)
        raise ProcessError(f"initdb failed in {folder}:\n{made.stdout}")
    _single(folder / "data", f"CREATE DATABASE {DATABASE}")


def _single(data: Path, statement: str) -> None:
    """Runs a statement in a server that is not started yet."""
    made = _run([_program("postgres"), "--single", "-D", data, "postgres"], typed=statement + "\n")
    if made.returncode:
        raise ProcessError(f"`{statement}` failed in {data}:\n{made.stdout}")


def _program(name: str) -> Path:
    link = PROVIDED / "bin" / name
    if not link.exists():
        raise ProcessError("PostgreSQL is not provided: run `python3 tools/bootstrap.py app`.")
    # The account that it runs as may not see this checkout.
    return link.resolve()


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
