"""The operator's commands: `python -m delivery COMMAND`."""

import argparse
import sys
from collections.abc import Sequence

from delivery.cli import ci, cluster, history, release, setup
from delivery.cli.group import Group
from system.errors import UserError
from system.signals import exit_code, handle_termination

_PROG = "python -m delivery"
_GROUPS = {"Set up": setup, "Release": release, "History": history, "Cluster access": cluster, "CI": ci}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 1 or its own on failure, 2 on wrong usage, 128 + n on a signal."""
    try:
        options = _parser().parse_args(arguments)
        if output := options.run(options):
            print(output)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)  # message, and `hint: COMMAND` on the next line
        return error.exit_code
    except KeyboardInterrupt as interrupt:
        return exit_code(interrupt)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROG,
        usage=f"{_PROG} COMMAND [OPTION ...]",
        description="Deploy, verify and operate a stack.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", prog=_PROG, help=argparse.SUPPRESS)
    stack = argparse.ArgumentParser(add_help=False)
    stack.add_argument("--stack", default="oke", help="the stack (default: oke)")
    groups: list[str] = []
    for title, module in _GROUPS.items():
        group = Group(title, commands.add_parser)
        module.add(group, stack)
        groups.append(group.help)
    parser.epilog = "\n\n".join(groups)
    return parser


if __name__ == "__main__":
    handle_termination()
    sys.exit(main())
