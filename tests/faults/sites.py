"""Sites side by side: each in a process and on a cluster of its own, and all take the next case from one queue."""

import multiprocessing
import signal
import sys
import traceback
from collections.abc import Generator, Sequence
from itertools import count
from multiprocessing.connection import Connection, wait
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import TypeAlias, cast

from tests.faults.case import CASES, Case, Result, run
from tests.faults.judge import Judge
from tests.faults.site import Site, site

# Forked, for the cases cannot be sent to a process that does not have them.
_FORKED = multiprocessing.get_context("fork")
# The places of cases in CASES, and a None for each site that is to end.
_Queue: TypeAlias = "SimpleQueue[int | None]"


def run_all(places: Sequence[int], sites: int, folder: Path) -> Generator[Result]:
    """The results of the cases at these places in CASES, in the order in which they end.

    A case whose site could not be had has none.
    """
    left: _Queue = _FORKED.SimpleQueue()
    for place in (*places, *[None] * sites):
        left.put(place)
    processes, receivers = [], list[Connection]()
    try:
        for number in range(1, sites + 1):
            receiver, sender = _FORKED.Pipe(duplex=False)
            processes.append(_FORKED.Process(target=_work, args=(left, sender, folder / f"{number}")))
            processes[-1].start()
            sender.close()  # so that the end of the process is the end of what it sends
            receivers.append(cast("Connection", receiver))
        while receivers:
            for receiver in cast("list[Connection]", wait(receivers)):
                try:
                    yield receiver.recv()
                except EOFError:
                    receivers.remove(receiver)
    finally:
        before = signal.signal(signal.SIGINT, lambda *_: None)  # nor does impatience leave a cluster
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        signal.signal(signal.SIGINT, before)


def _work(left: _Queue, results: Connection, folder: Path) -> None:
    """Runs cases on one site, and on a new one after each that was not healed."""
    # Ctrl-C is for the parent, which ends this process by SIGTERM, once. Not ignored, for so it would be by the updates
    # that are to be interrupted.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, _end)
    place = left.get()
    for number in count(1):
        if place is None:
            return
        with site(folder / f"site-{number}") as broken:
            judge = Judge()
            judge.learn(broken)
            while place is not None:
                result = _result(CASES[place], broken, judge)
                results.send(result)
                place = left.get()
                if result.unhealed:
                    break


def _end(number: int, _: object) -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)
    sys.exit(128 + number)


def _result(case: Case, broken: Site, judge: Judge) -> Result:
    try:
        return run(case, broken, judge)
    except Exception:  # noqa: BLE001 (a case that breaks itself must not hide the others)
        return Result(case.name, "", "nothing", 0, unhealed=[traceback.format_exc()])
