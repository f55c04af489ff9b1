"""`python tools/bench` measures how long a delivery takes, beside the shell pipeline that this project replaces.

Without an option: the deliveries of every day. It happens on an embedded cluster of its own, and nothing is left of it.
The tables are printed in Markdown, the progress to standard error.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.bench import bad_release, critical_path, daily, scale
from tools.bench.testbed import BenchError, testbed

_BEGUN = time.monotonic()
_LOAD = os.getloadavg()[0]  # whoever shares the machine measures that too


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.critical_path:
            _print("The pipeline's critical path", critical_path.measure(_tell))
            return 0
        with testbed() as bed:
            if options.bad_release:
                _print("A bad release", bad_release.measure(bed, _tell, with_helm=not options.skip_helm))
            elif options.slow_pods:
                _print("Pods that take their time", daily.measure_slow(bed, options.repetitions, _tell))
            elif options.scale is not None:
                _print("Scale", scale.measure(bed, sorted(options.scale or scale.SIZES), _tell))
            else:
                _print("Daily deliveries", daily.measure(bed, options.repetitions, _tell))
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=_positive, default=7, help="of the daily deliveries (default: 7)")
    parser.add_argument("--skip-helm", action="store_true", help="do not wait for Helm's 5 minutes at a bad release")
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--slow-pods", action="store_true", help="the same where a pod takes 25 s to be ready")
    parts.add_argument("--bad-release", action="store_true", help="how long until an error names its cause")
    parts.add_argument(
        "--scale",
        type=_positive,
        nargs="*",
        metavar="SERVICES",
        help="so many services in a stack (default: 2 10 50 200)",
    )
    parts.add_argument("--critical-path", action="store_true", help="every step of the workflow; takes as long as that")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _print(title: str, table: str) -> None:
    print(f"### {title}\n\n{table}\n\nOn {os.cpu_count()} cores, with a load of {_LOAD:.1f} before it began.")


def _tell(line: str) -> None:
    print(f"{time.monotonic() - _BEGUN:6.0f} s  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
