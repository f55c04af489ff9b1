"""The arguments of the commands on a stack's history: `history`, `diff`, `rollback`."""

import argparse
from collections.abc import Callable


def add(add_parser: Callable[..., argparse.ArgumentParser], stack: argparse.ArgumentParser) -> None:
    """Adds the commands to those of `python -m delivery`; stack: the argument that names the stack."""
    history = add_parser("history", parents=[stack], help="list its updates, and which one can go back to")
    history.add_argument("--count", type=int, default=10, help="how many, the newest first (default: 10)")
    history.set_defaults(run=_history)
    rollback = add_parser("rollback", parents=[stack], help="go back to the app of an earlier update")
    rollback.add_argument("--to", type=int, metavar="VERSION", help="the update (default: the last good one)")
    how = rollback.add_mutually_exclusive_group()
    for name, told in {"preview": "look at what it would change", "yes": "do not ask before it changes it"}.items():
        how.add_argument(f"--{name}", dest="how", action="store_const", const=name, default="ask", help=told)
    rollback.set_defaults(run=_rollback)


def _history(options: argparse.Namespace) -> str:
    from delivery import history  # noqa: PLC0415

    return history.table(options.stack, options.count)


def _rollback(options: argparse.Namespace) -> None:
    from delivery import rollback  # noqa: PLC0415

    rollback.roll_back(options.stack, options.to, options.how, lambda line: print(line, flush=True))
