"""`setup`, `doctor`."""

import argparse
import os

from delivery.cli.group import Group, echo


def add(group: Group, stack: argparse.ArgumentParser) -> None:
    group.command("setup", "Ask for a stack's settings and store them", _setup, [stack])
    group.command("doctor", "Run the preflight checks of a stack", _doctor, [stack])


def _setup(options: argparse.Namespace) -> None:
    from delivery.setup import run, terminal

    run.run_setup(options.stack, os.environ, terminal.Console(options.stack))


def _doctor(options: argparse.Namespace) -> None:
    from delivery.doctor import run

    run.run(options.stack, os.environ, echo)
