"""Measure the memory of a command with all its child processes."""

import os
import subprocess
import threading
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

_POLL_SECONDS = 0.2


class Peak:
    """The peak of resident memory."""

    megabytes = 0.0


@contextmanager
def watched() -> Generator[Peak]:
    """Measure this process's descendants during the block."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            peak.megabytes = max(peak.megabytes, _resident(os.getpid()))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield peak
    finally:
        done.set()
        watching.join()


def _resident(root: int) -> float:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], stdout=subprocess.PIPE, text=True, check=True).stdout
    processes = [tuple(map(int, entry.split())) for entry in listed.splitlines()]
    children: dict[int, list[int]] = defaultdict(list)
    for pid, parent, _ in processes:
        children[parent].append(pid)
    kilobytes = {pid: resident for pid, _, resident in processes}
    return sum(kilobytes[pid] for pid in _descendants(root, children)) / 1000


def _descendants(root: int, children: Mapping[int, Sequence[int]]) -> list[int]:
    direct = children.get(root, [])
    return [*direct, *(below for child in direct for below in _descendants(child, children))]
