"""Compare how long deliveries take with the shell pipeline that this project replaces: `python tools/bench`.

Without an option it measures daily deliveries, on a temporary embedded cluster. It writes tables in Markdown to stdout
and its progress to stderr.
"""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from system.errors import UserError
from system.signals import exit_code, handle_termination
from tools.bench import bad_release, critical_path, daily, scale
from tools.bench.testbed import testbed

_BEGUN = time.monotonic()
_LOAD = os.getloadavg()[0]  # other work on the machine slows every measurement


def main() -> int:
    options = _parser().parse_args()
    handle_termination()
    try:
        if options.critical_path:
            _print("The pipeline's critical path", critical_path.measure(_echo))
            return 0
        with testbed() as bed:
            if options.bad_release:
                _print("A bad release", bad_release.measure(bed, _echo, with_helm=not options.skip_helm))
            elif options.slow_pods:
                _print("Slow pods", daily.measure_slow(bed, options.repetitions, _echo))
            elif options.scale is not None:
                _print("Scale", scale.measure(bed, sorted(options.scale or scale.SIZES), _echo))
            else:
                _print("Daily deliveries", daily.measure(bed, options.repetitions, _echo))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        print("stopped", file=sys.stderr)
        return exit_code(interrupt)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=_positive, default=7, help="repeat daily deliveries (default: 7 times)")
    parser.add_argument("--skip-helm", action="store_true", help="with --bad-release: skip Helm's timeout of 5 minutes")
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument(
        "--slow-pods", action="store_true", help="measure daily deliveries with pods that take 25 s to be ready"
    )
    parts.add_argument("--bad-release", action="store_true", help="measure the time until an error names its cause")
    parts.add_argument(
        "--scale",
        type=_positive,
        nargs="*",
        metavar="SERVICES",
        help="measure charts with these numbers of services (default: 2 10 50 200)",
    )
    parts.add_argument("--critical-path", action="store_true", help="measure each step of the workflow")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)


def _print(title: str, table: str) -> None:
    print(f"### {title}\n\n{table}\n\nOn {os.cpu_count()} cores, with a load of {_LOAD:.1f} before it began.")


def _echo(line: str) -> None:
    print(f"{time.monotonic() - _BEGUN:6.0f} s  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
