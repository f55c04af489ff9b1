"""The lock that an update holds while it runs, and leaves behind where it is killed.

Source: https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/backend/diy/lock.go
"""

import os
import pwd
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import psutil

from delivery.engine import stack
from delivery.recover.finding import Finding
from system.errors import UserError

_HELD = re.compile(r"created by (?P<user>.+)@(?P<host>[^@\s]+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")


@dataclass(frozen=True)
class _Holder:
    name: str  # like ann@laptop (pid 4711)
    since: str
    process: Literal["running", "ended", "unknown"]


def find(name: str) -> Finding | None:
    """Return the lock of a stack, where its holder is not known to run.

    Works where the state cannot be read, too. Raises UserError where an update is running on this machine.
    """
    if stack.backend().startswith("http"):  # Pulumi Cloud
        running = stack.summary(name).get("currentOperation")
        return _finding(name, [_Holder(running["author"], running["started"], "unknown")]) if running else None
    refusal = stack.lock_error(name)
    held = [*_HELD.finditer(refusal)]
    if not held and "already exists" not in refusal:
        raise UserError(f"Could not find out whether stack {name} is locked: {refusal.strip()}")
    return _finding(name, [_holder(found) for found in held]) if held else None


def _finding(name: str, holders: Sequence[_Holder]) -> Finding:
    for holder in holders:
        if holder.process == "running":
            raise UserError(f"An update of stack {name} is running: {holder.name} since {holder.since}.")
    held = " and ".join(f"{holder.name} since {holder.since}" for holder in holders)
    ended = all(holder.process == "ended" for holder in holders)
    cancel = ["pulumi", "cancel", "--yes", name]
    return Finding(
        problem=f"Stack {name} is locked by {held}.",
        cause=(
            "The update was killed: its process has ended."
            if ended
            else "The update still runs elsewhere, or was killed. This machine cannot tell."
        ),
        action="The lock is removed. An update that still runs would continue, and could overwrite later changes.",
        command=cancel,
        repair=lambda: stack.run(cancel),
        confirm=None if ended else "whether that update still runs on the machine where it was started",
    )


def _holder(found: re.Match[str]) -> _Holder:
    name = f"{found['user']}@{found['host']} (pid {found['pid']})"
    # Another machine may have the same name, and a container has users of its own.
    if found["host"] != socket.gethostname() or found["user"] != pwd.getpwuid(os.getuid()).pw_name:
        return _Holder(name, found["since"], "unknown")
    return _Holder(name, found["since"], "running" if _is_engine(int(found["pid"])) else "ended")


def _is_engine(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        # The name as well, because a pid is reused; a zombie has ended.
        return process.name() == "pulumi" and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
