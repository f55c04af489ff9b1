"""The Kubernetes provider of an engine that was killed: it works on, with Helm in it, until it misses the engine.

It looks for the engine every five minutes.
Source: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/util/rpcutil/health.go
"""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from delivery.recover.finding import Finding
from system.errors import UserError

# The provider is started with its engine's address, and before that with what the engine was told to log.
_PROVIDER = re.compile(r"\s*(?P<pid>\d+) \S*pulumi-resource-kubernetes (?:.* )?(?P<host>[\d.]+):(?P<port>\d+)\s*")
_SECONDS = 10


def find() -> Finding | None:
    """A provider that was started in this folder and whose engine is gone: nobody hears any more what it does.

    That of a full rollback was started in a folder below it.
    """
    shown = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=False).stdout
    for found in filter(None, map(_PROVIDER.fullmatch, shown.splitlines())):
        folder = _folder(found["pid"])
        if folder and folder.is_relative_to(Path.cwd()) and not _answers(found["host"], int(found["port"])):
            return _leftover(int(found["pid"]))
    return None


def _leftover(pid: int) -> Finding:
    return Finding(
        what=f"The Kubernetes provider of a killed update still runs, and Helm in it (pid {pid}).",
        cause="The engine alone was killed. What it had started works on for up to five minutes.",
        plan="It is ended, so that it changes nothing more behind the back of what follows.",
        command=["kill", str(pid)],
        mend=lambda: _end(pid),
    )


def _folder(pid: str) -> Path | None:
    """Where a process runs; None for one that has ended, or is somebody else's."""
    link = Path("/proc", pid, "cwd")
    if link.parents[1].is_dir():
        try:
            return link.readlink()
        except OSError:
            return None
    lsof = ["lsof", "-a", "-p", pid, "-d", "cwd", "-F", "n"]  # of macOS
    shown = subprocess.run(lsof, capture_output=True, text=True, check=False).stdout
    return next((Path(line[1:]) for line in shown.splitlines() if line.startswith("n")), None)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError:
        return False
    return True


def _end(pid: int) -> None:
    deadline = time.monotonic() + _SECONDS
    try:
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            time.sleep(0.1)
            os.kill(pid, 0)
    except ProcessLookupError:
        return
    except PermissionError:
        raise UserError(f"Process {pid} is somebody else's.\n    sudo kill {pid}") from None
    raise UserError(f"Process {pid} does not end.\n    kill -KILL {pid}")
