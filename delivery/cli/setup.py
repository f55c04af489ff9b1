"""What leads to the first update: `setup`, `doctor`."""

import argparse
import os
from collections.abc import Callable

from system.errors import UserError


def add(add_parser: Callable[..., argparse.ArgumentParser], stack: argparse.ArgumentParser) -> None:
    """Adds the commands to those of `python -m delivery`; stack: the argument that names the stack."""
    setup = add_parser("setup", parents=[stack], help="ask for what a stack needs, and set it")
    setup.set_defaults(run=_setup)
    doctor = add_parser("doctor", parents=[stack], help="check what a stack needs, say what mends it")
    doctor.set_defaults(run=_doctor)


def _setup(options: argparse.Namespace) -> None:
    from delivery.setup import run, terminal

    run.run_setup(options.stack, os.environ, terminal.Console())


def _doctor(options: argparse.Namespace) -> None:
    from delivery.doctor import run

    table, problems = run.examine(options.stack, os.environ)
    print(table)
    if problems:
        raise UserError(f"{problems} to mend.\n    python -m delivery setup --stack {options.stack}   helps with it")
