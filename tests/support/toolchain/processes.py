"""Processes that tests start and watch."""

import signal
import subprocess


def is_alive(pid: int) -> bool:
    """Return whether a process runs, which need not be a child; a zombie does not."""
    status = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(status.strip()) and not status.startswith("Z")


def reset_signals() -> None:
    """Restore the default handling of signals that end a command, as Popen's `preexec_fn`.

    Tests may run under nohup, or as a shell's background job, whose children inherit that SIGINT is ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
