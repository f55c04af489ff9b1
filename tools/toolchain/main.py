"""The command: `python3 tools/bootstrap.py`."""

import argparse
import os
import signal
import sys
from pathlib import Path

from .errors import BootstrapError
from .layout import Layout
from .machine import this_platform
from .pins import PINS
from .provide import provide

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Provides the toolchain of the project that this file lies in; returns the exit code."""
    argparse.ArgumentParser(
        prog="python3 tools/bootstrap.py",
        description="Provides .venv, .tools/bin, .tools/charts and Pulumi's Kubernetes provider: what is installed at "
        "the pinned version, else the publisher's download, else a build, kept in the user's cache for all checkouts.",
    ).parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        provide(Layout.of(ROOT, os.environ), PINS, this_platform(), say=_say)
    except BootstrapError as error:
        for sentence in str(error).splitlines():
            print(f"error: {sentence}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _stop(number: int, _frame: object) -> None:
    sys.exit(128 + number)  # unlike the signal's own effect, this ends the builds on its way out
