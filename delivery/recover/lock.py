"""The lock that an update holds while it runs, and leaves behind where it is killed.

Source: https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/backend/diy/lock.go
"""

import os
import pwd
import re
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from delivery.engine import stack
from delivery.recover.finding import Finding
from system.errors import UserError

_HELD = re.compile(r"created by (?P<user>.+)@(?P<host>[^@\s]+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")


@dataclass(frozen=True)
class _Holder:
    """who: such as `ann@laptop (pid 4711)`; running: whether its process is seen here; gone: whether it cannot be."""

    who: str
    since: str
    running: bool
    gone: bool


def find(name: str) -> Finding | None:
    """The lock of a stack, where nobody who is known to run holds it.

    Raises UserError where an update runs on this machine, which is to be waited for.
    """
    summary = stack.summary(name)
    if "version" not in summary:  # Pulumi Cloud alone numbers a stack's states
        return find_beside_state(name)
    running = summary.get("currentOperation")
    if not running:
        return None
    return _finding(name, [_Holder(running["author"], running["started"], running=False, gone=False)])


def find_beside_state(name: str) -> Finding | None:
    """The same of a bucket or a folder, which tells it of a stack with a damaged state too."""
    refusal = stack.refusal_of_lock(name)
    held = [*_HELD.finditer(refusal)]
    if not held and "already exists" not in refusal:
        raise UserError(f"Nobody could be asked whether stack {name} is locked:\n{refusal.strip()}")
    return _finding(name, [_holder(found) for found in held]) if held else None


def _finding(name: str, holders: Sequence[_Holder]) -> Finding:
    for holder in holders:
        if holder.running:
            raise UserError(
                f"An update of stack {name} is running: {holder.who} since {holder.since}.\n"
                "    wait for it, or press Ctrl-C where it runs"
            )
    held = " and ".join(f"{holder.who} since {holder.since}" for holder in holders)
    gone = all(holder.gone for holder in holders)
    cancel = ["pulumi", "cancel", "--yes", name]
    return Finding(
        what=f"Stack {name} is locked by {held}.",
        cause=(
            "That process is gone: the update was killed."
            if gone
            else "Either that update still runs, or it was killed. This machine cannot tell."
        ),
        plan="The lock is taken away. An update that still runs would go on, and could lose what others write.",
        command=cancel,
        mend=lambda: stack.mend(*cancel),
        look="" if gone else "whether that update still runs, where it was begun",
    )


def _holder(found: re.Match[str]) -> _Holder:
    # Another machine may have the same name, and a container that of its own.
    here = found["host"] == socket.gethostname() and found["user"] == pwd.getpwuid(os.getuid()).pw_name
    runs = here and _runs(found["pid"])
    who = f"{found['user']}@{found['host']} (pid {found['pid']})"
    return _Holder(who, found["since"], running=runs, gone=here and not runs)


def _runs(pid: str) -> bool:
    # Its name too, for numbers are given again; and a process that is only waited for has ended.
    shown = subprocess.run(["ps", "-o", "stat=,comm=", "-p", pid], capture_output=True, text=True, check=False).stdout
    state, _, name = shown.strip().partition(" ")
    return not state.startswith("Z") and os.path.basename(name.strip()) == "pulumi"  # noqa: PTH119 (no path but a name)
