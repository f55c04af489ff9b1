"""The command: `python3 tools/bootstrap.py [delivery|delivery-tests|app|app-tests]`."""

import argparse
import os
import sys
from pathlib import Path

from system.errors import UserError
from system.signals import exit_code, handle_termination

from .app import provide_app
from .layout import Layout
from .machine import this_platform
from .pins import PINS
from .provide import provide, provide_for_tests

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Provide the toolchain of the project that holds this file, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 tools/bootstrap.py",
        description="Provide tools in .tools: what is installed at the pinned version, else the publisher's download, "
        "else a build, in the user's cache for all checkouts.",
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
    handle_termination()
    try:
        return _provide(what)
    except KeyboardInterrupt as interrupt:
        return exit_code(interrupt)


def _provide(what: str) -> int:
    code = 0
    try:
        layout, platform = Layout.of(ROOT, os.environ), this_platform()
        match what:
            case "delivery-tests":
                provide_for_tests(layout, PINS.test_tools, platform, echo=_echo)
            case "app":
                provide_app(layout, PINS.app, platform, echo=_echo)
            case "app-tests":
                provide_app(layout, PINS.app_tests, platform, echo=_echo)
            case _:
                provide(layout, PINS, platform, echo=_echo)
    except* UserError as errors:
        for error in errors.exceptions:
            print(f"error: {error}", file=sys.stderr)
        code = 1
    return code


def _echo(line: str) -> None:
    print(line, flush=True)
