"""Runs the cases: `python -m tests.faults [--only NAME...] [--sites N] [--log FILE] [--list]`."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path

from tests.faults.case import CASES, Result
from tests.faults.sites import run_all
from tests.faults.table import markdown

# Those first of which some cases take minutes, so that none of them is left alone at the end.
for _name in ("kills", "state", "api_server", "signals", "admission", "by_hand", "credentials", "services"):
    import_module(f"tests.faults.{_name}")

_SITES = 3  # their cases wait more than they work


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code is 1 where anything was not healed, was lost or was shown."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[""], help="cases whose name holds one of these")
    parser.add_argument("--sites", type=int, default=_SITES, help=f"how many at once (default: {_SITES})")
    parser.add_argument("--log", type=Path, help="a file for all that was printed")
    parser.add_argument("--list", action="store_true", help="tell the cases and end")
    options = parser.parse_args(arguments)
    places = [place for place, case in enumerate(CASES) if any(name in case.name for name in options.only)]
    if options.list:
        print(*(CASES[place].name for place in places), sep="\n")
        return 0
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # with the clean-up that an end has
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    begun, results = time.monotonic(), list[Result]()
    try:
        with closing(run_all(places, options.sites, folder)) as ended:
            for result in ended:
                results.append(result)
                _tell(result, f"{len(results)}/{len(places)}")
                if options.log:
                    with options.log.open("a") as file:
                        file.write(f"==== {result.name}\n{result.printed}\n")
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    finally:
        shutil.rmtree(folder)
    names = [case.name for case in CASES]
    ordered = sorted(results, key=lambda result: names.index(result.name))
    print(f"\n{markdown(ordered)}\n{len(results)} cases in {time.monotonic() - begun:.0f} s.")
    if left := len(places) - len(results):
        print(f"{left} cases were not run: a site could not be had.", file=sys.stderr)
    return 0 if not left and all(result.is_good for result in results) else 1


def _tell(result: Result, place: str) -> None:
    how = f"healed by {result.healed_by} in {result.seconds:.0f} s" if not result.unhealed else "NOT HEALED"
    print(f"{place:>7}  {result.name}: {how}", flush=True)
    print(f"         {result.seen or '(nothing)'}", flush=True)
    for problem in (*result.unhealed, *result.lost, *result.leaks):
        print("         ! " + problem.replace("\n", "\n           "), flush=True)


if __name__ == "__main__":
    sys.exit(main())
