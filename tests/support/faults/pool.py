"""Sandboxes side by side: each in a process and on a cluster of its own, and all take the next case from one queue."""

import multiprocessing
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from itertools import count
from multiprocessing.connection import Connection, wait
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import TypeAlias, cast

from tests.support.faults.case import Case, Result

# Runs cases in one sandbox, which it makes in a folder and removes.
Runner: TypeAlias = Callable[[Path], AbstractContextManager[Callable[[Case], Result]]]

# Forked, because cases cannot be pickled.
_FORKED = multiprocessing.get_context("fork")
# Indexes of cases, and a None for each process.
_Queue: TypeAlias = "SimpleQueue[int | None]"


def run_all(cases: Sequence[Case], processes: int, folder: Path, runner: Runner) -> Generator[Result]:
    """Yield the results in the order in which the cases end. A case whose sandbox could not start has none."""
    queue: _Queue = _FORKED.SimpleQueue()
    for item in (*range(len(cases)), *[None] * processes):
        queue.put(item)
    started, receivers = [], list[Connection]()
    try:
        for number in range(1, processes + 1):
            receiver, sender = _FORKED.Pipe(duplex=False)
            started.append(_FORKED.Process(target=_work, args=(cases, queue, sender, folder / f"{number}", runner)))
            started[-1].start()
            sender.close()  # so that the end of the process closes the connection
            receivers.append(cast("Connection", receiver))
        while receivers:
            for receiver in cast("list[Connection]", wait(receivers)):
                try:
                    yield receiver.recv()
                except EOFError:
                    receivers.remove(receiver)
    finally:
        before = signal.signal(signal.SIGINT, lambda *_: None)  # a second Ctrl-C must not leave a cluster
        for process in started:
            process.terminate()
        for process in started:
            process.join()
        signal.signal(signal.SIGINT, before)


def _work(cases: Sequence[Case], queue: _Queue, results: Connection, folder: Path, runner: Runner) -> None:
    """Run cases in one sandbox, and in a new one after each case that was not healed."""
    # Ctrl-C is for the parent, which ends this process by SIGTERM, once. An ignored signal would be inherited by the
    # updates that cases interrupt.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, _end)
    index = queue.get()
    for number in count(1):
        if index is None:
            return
        with runner(folder / f"sandbox-{number}") as run:
            while index is not None:
                result = _result(cases[index], run)
                results.send(result)
                index = queue.get()
                if result.unhealed:
                    break


def _end(number: int, _: object) -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)
    sys.exit(128 + number)


def _result(case: Case, run: Callable[[Case], Result]) -> Result:
    try:
        return run(case)
    except Exception:  # noqa: BLE001 (a case that fails itself must not hide the others)
        return Result(case.name, "", "nothing", 0, unhealed=[traceback.format_exc()])
