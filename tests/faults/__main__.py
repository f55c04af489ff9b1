"""Runs the cases: `python -m tests.faults [--only NAME...] [--log FILE] [--list]`."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from tests.faults import admission, api_server, by_hand, credentials, kills, services, signals, state
from tests.faults.case import CASES, Case, Result, run
from tests.faults.judge import Judge
from tests.faults.site import site
from tests.faults.table import markdown

_MODULES = (kills, signals, api_server, admission, by_hand, credentials, services, state)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code is 1 where anything was not healed, was lost or was shown."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[""], help="cases whose name holds one of these")
    parser.add_argument("--log", type=Path, help="a file for all that was printed")
    parser.add_argument("--list", action="store_true", help="tell the cases and end")
    options = parser.parse_args(arguments)
    cases = [case for case in CASES if any(name in case.name for name in options.only)]
    if options.list:
        print(*(case.name for case in cases), sep="\n")
        return 0
    # A shell's job in the background ignores it, and so would the updates that are to be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # with the clean-up that an end has
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    begun = time.monotonic()
    try:
        results = run_all(cases, folder, options.log)
    finally:
        shutil.rmtree(folder)
    print(f"\n{markdown(results)}\n{len(results)} cases in {time.monotonic() - begun:.0f} s.")
    return 0 if all(result.is_good for result in results) else 1


def run_all(cases: Sequence[Case], folder: Path, log: Path | None) -> list[Result]:
    """Runs the cases on one site, and on a new one after each that was not healed."""
    left, results, sites = deque(cases), list[Result](), 0
    while left:
        sites += 1
        with site(folder / f"site-{sites}") as broken:
            judge = Judge()
            judge.learn(broken)
            while left:
                begun = time.monotonic()
                case = left.popleft()
                try:
                    result = run(case, broken, judge)
                except Exception:  # noqa: BLE001 (a case that breaks itself must not hide the others)
                    result = Result(case, "", "nothing", 0, unhealed=[traceback.format_exc()])
                results.append(result)
                _tell(result, f"{len(results)}/{len(cases)}", time.monotonic() - begun)
                if log:
                    with log.open("a") as file:
                        file.write(f"==== {case.name}\n{result.printed}\n")
                if result.unhealed:
                    break
    return results


def _tell(result: Result, place: str, seconds: float) -> None:
    how = f"healed by {result.healed_by} in {result.seconds:.0f} s" if not result.unhealed else "NOT HEALED"
    print(f"{place:>7}  {result.case.name}: {how}, {seconds:.0f} s in all", flush=True)
    print(f"         {result.seen or '(nothing)'}", flush=True)
    for problem in (*result.unhealed, *result.lost, *result.leaks):
        print("         ! " + problem.replace("\n", "\n           "), flush=True)


if __name__ == "__main__":
    sys.exit(main())
