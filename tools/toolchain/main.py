"""The command: `python3 tools/bootstrap.py [delivery|delivery-tests|app|app-tests]`."""

import argparse
import os
import signal
import sys
from pathlib import Path

from .app import provide_app
from .errors import BootstrapError
from .layout import Layout
from .machine import this_platform
from .pins import PINS
from .provide import provide, provide_for_tests

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Provides the toolchain of the project that this file lies in; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 tools/bootstrap.py",
        description="Provides tools in .tools: what is installed at the pinned version, else the publisher's download, "
        "else a build, kept in the user's cache for all checkouts.",
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("delivery", "delivery-tests", "app", "app-tests"),
        default="delivery",
        help="delivery (default): .venv, Pulumi and its Kubernetes provider, the embedded cluster, the charts; "
        "delivery-tests: the S3 server of its tests; "
        "app: backend/.venv, frontend/node_modules, PostgreSQL; "
        "app-tests: those of app, nginx, Chromium, Dapr's sidecar, Kafka",
    )
    what = parser.parse_args().what
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        layout, platform = Layout.of(ROOT, os.environ), this_platform()
        match what:
            case "delivery-tests":
                provide_for_tests(layout, PINS.test_tools, platform, say=_say)
            case "app":
                provide_app(layout, PINS.app, platform, say=_say)
            case "app-tests":
                provide_app(layout, PINS.app_tests, platform, say=_say)
            case _:
                provide(layout, PINS, platform, say=_say)
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
