"""The arguments of the commands on a stack's history: `history`, `diff`, `rollback`."""

import argparse
from collections.abc import Callable


def add(add_parser: Callable[..., argparse.ArgumentParser], stack: argparse.ArgumentParser) -> None:
    """Adds the commands to those of `python -m delivery`; stack: the argument that names the stack."""
    history = add_parser("history", parents=[stack], help="list its updates, and which one can go back to")
    history.add_argument("--count", type=int, default=10, help="how many, the newest first (default: 10)")
    history.add_argument("--json", action="store_true", help="tell them to a program")
    history.set_defaults(run=_history)
    diff = add_parser("diff", parents=[stack], help="tell what differs between two updates")
    diff.add_argument("before", type=int, metavar="A", help="the version of one update")
    diff.add_argument("after", type=int, metavar="B", help="that of the other")
    diff.add_argument("--json", action="store_true", help="tell it to a program")
    diff.set_defaults(run=_diff)
    rollback = add_parser("rollback", parents=[stack], help="go back to an earlier update, once that is proven safe")
    rollback.add_argument(
        "--to",
        type=_version,
        metavar="VERSION",
        help="the update, or `verified` for the last one that was (default: the last good one)",
    )
    rollback.add_argument(
        "--full",
        dest="scope",
        action="store_const",
        const="full",
        default="app",
        help="not to its app alone but to its program, chart and settings too",
    )
    rollback.add_argument(
        "--with-secrets",
        dest="secrets",
        action="store_const",
        const="then",
        default="today",
        help="to its secrets too, which otherwise stay those of today",
    )
    how = rollback.add_mutually_exclusive_group()
    for name, told in {"preview": "look at what it would change", "yes": "do not ask before it changes it"}.items():
        how.add_argument(f"--{name}", dest="how", action="store_const", const=name, default="ask", help=told)
    rollback.set_defaults(run=_rollback)


def _version(text: str) -> int | str:
    if text != "verified" and not text.removeprefix("-").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a version nor `verified`")
    return text if text == "verified" else int(text)


def _history(options: argparse.Namespace) -> str:
    from delivery.history import table

    tell = table.as_json if options.json else table.table
    return tell(table.read(options.stack, options.count))


def _diff(options: argparse.Namespace) -> str:
    from delivery.history import diff

    tell = diff.as_json if options.json else diff.plain
    return tell(*diff.compare(options.stack, options.before, options.after))


def _rollback(options: argparse.Namespace) -> None:
    from delivery.rollback import plan, run

    extent = plan.Extent(options.scope, options.secrets)
    run.roll_back(options.stack, options.to, options.how, _tell, extent)


def _tell(line: str) -> None:
    print(line, flush=True)
