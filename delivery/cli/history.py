"""`history`, `diff`, `rollback`."""

import argparse

from delivery.cli.group import Group, echo


def add(group: Group, stack: argparse.ArgumentParser) -> None:
    history = group.command("history", "List a stack's updates, and which can be rolled back to", _history, [stack])
    history.add_argument("--count", type=int, default=10, help="number of updates, newest first (default: 10)")
    history.add_argument("--json", action="store_true", help="print JSON")
    diff = group.command("diff", "Compare two updates of a stack", _diff, [stack])
    diff.add_argument("before", type=int, metavar="A", help="the version of an update")
    diff.add_argument("after", type=int, metavar="B", help="the version of another update")
    diff.add_argument("--json", action="store_true", help="print JSON")
    rollback = group.command("rollback", "Roll back to a past update, after preflight checks", _rollback, [stack])
    rollback.add_argument(
        "--to",
        type=_version,
        metavar="VERSION",
        help="the update, or `verified` for the last verified one (default: the last good one)",
    )
    rollback.add_argument(
        "--full",
        dest="scope",
        action="store_const",
        const="full",
        default="app",
        help="roll back the program, chart and settings too",
    )
    rollback.add_argument(
        "--with-secrets",
        dest="secrets",
        action="store_const",
        const="then",
        default="today",
        help="roll back the secrets too (default: keep today's)",
    )
    how = rollback.add_mutually_exclusive_group()
    for name, meaning in {"preview": "show the changes only", "yes": "do not ask for confirmation"}.items():
        how.add_argument(f"--{name}", dest="how", action="store_const", const=name, default="ask", help=meaning)


def _version(text: str) -> int | str:
    if text != "verified" and not text.removeprefix("-").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a version nor `verified`")
    return text if text == "verified" else int(text)


def _history(options: argparse.Namespace) -> str:
    from delivery.history import table

    form = table.as_json if options.json else table.table
    return form(table.read(options.stack, options.count))


def _diff(options: argparse.Namespace) -> str:
    from delivery.history import diff

    form = diff.as_json if options.json else diff.plain
    return form(*diff.compare(options.stack, options.before, options.after))


def _rollback(options: argparse.Namespace) -> None:
    from delivery.rollback import plan, run

    extent = plan.Extent(options.scope, options.secrets)
    run.roll_back(options.stack, options.to, options.how, echo, extent)
