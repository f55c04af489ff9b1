"""Run the cases: `python -m tests.faults [--only NAME...] [--sandboxes N] [--log FILE] [--list]`."""

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

from tests.support.faults.case import CASES, Result, sandbox_runner
from tests.support.faults.pool import run_all
from tests.support.faults.table import markdown

# The longest cases first, so that the sandboxes end together.
for _name in ("kills", "state", "api_server", "signals", "admission", "manual_changes", "credentials", "services"):
    import_module(f"tests.faults.{_name}")

_SANDBOXES = 3  # their cases wait more than they work


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 1 if anything was not healed, was lost or leaked."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", default=[""], help="cases whose name contains one of these"
    )
    parser.add_argument("--sandboxes", type=int, default=_SANDBOXES, help=f"how many at once (default: {_SANDBOXES})")
    parser.add_argument("--log", type=Path, help="a file for all output")
    parser.add_argument("--list", action="store_true", help="list the cases")
    options = parser.parse_args(arguments)
    cases = [case for case in CASES if any(name in case.name for name in options.only)]
    if options.list:
        print(*(case.name for case in cases), sep="\n")
        return 0
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that the clean-up runs
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    started, results = time.monotonic(), list[Result]()
    try:
        with closing(run_all(cases, options.sandboxes, folder, sandbox_runner)) as ended:
            for result in ended:
                results.append(result)
                _echo(result, f"{len(results)}/{len(cases)}")
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
    print(f"\n{markdown(ordered)}\n{len(results)} cases in {time.monotonic() - started:.0f} s.")
    if left := len(cases) - len(results):
        print(f"{left} cases were not run: a sandbox could not start.", file=sys.stderr)
    return 0 if not left and all(result.is_good for result in results) else 1


def _echo(result: Result, place: str) -> None:
    how = f"healed by {result.healed_by} in {result.seconds:.0f} s" if not result.unhealed else "NOT HEALED"
    print(f"{place:>7}  {result.name}: {how}", flush=True)
    print(f"         {result.seen or '(nothing)'}", flush=True)
    for problem in (*result.unhealed, *result.lost, *result.leaks):
        print("         ! " + problem.replace("\n", "\n           "), flush=True)


if __name__ == "__main__":
    sys.exit(main())
