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

from system.errors import UserError

from .ports import free_port
from .process import PROVIDED, last_lines

# For a server that only this machine reaches.
USER = PASSWORD = DATABASE = "todo"  # noqa: S105
START_SECONDS = 60
# PostgreSQL refuses to run as root. Every system has this account.
UNPRIVILEGED = "nobody"


@contextmanager
def postgres(folder: Path) -> Generator[str]:
    """Run a server and yield its address, postgresql://user:password@host:port/database.

    Its data stay in `folder`. Raises UserError.
    """
    data, log = folder / "data", folder / "log"
    if not data.exists():
        _create(folder)
    port = free_port()
    # No socket: its path has a maximum length, and every client uses TCP.
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c synchronous_commit=off"
    control = [_program("pg_ctl"), "--pgdata", data, "--silent"]
    started = _run([*control, "start", "--wait", f"--timeout={START_SECONDS}", f"--log={log}", f"--options={options}"])
    if started.returncode:
        output = log.read_text() if log.exists() else started.stdout
        raise UserError(f"PostgreSQL did not start ({log}):\n{last_lines(output)}")
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
    done = _run([*initdb, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"])
    if done.returncode:
        shutil.rmtree(folder / "data", ignore_errors=True)
        raise UserError(f"initdb failed in {folder}:\n{done.stdout}")
    _single(folder / "data", f"CREATE DATABASE {DATABASE}")


def _single(data: Path, statement: str) -> None:
    """Run a statement without starting the server."""
    done = _run([_program("postgres"), "--single", "-D", data, "postgres"], typed=statement + "\n")
    if done.returncode:
        raise UserError(f"`{statement}` failed in {data}:\n{done.stdout}")


def _program(name: str) -> Path:
    link = PROVIDED / "bin" / name
    if not link.exists():
        raise UserError("PostgreSQL is not installed.", "python3 tools/bootstrap.py app")
    # The unprivileged account may have no access to this checkout.
    return link.resolve()


def _run(command: list[str | Path], typed: str = "") -> subprocess.CompletedProcess[str]:
    # Not a pipe, which the server would hold open after pg_ctl has ended.
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
