"""`python -m delivery kubeconfig` prints the kubeconfig of an OKE cluster or a deployer, `oke-token` is its plug-in.

`setup` leads to the first update of a stack, and `doctor` checks what a stack needs around it. `verify` proves that
what a stack promises is what runs, `up` brings it up and takes back what does not verify, `history` tells its updates,
`diff` compares two, and `rollback` goes back to one. `recover` mends a stack that a killed update left stuck. `drift`
compares a stack with what is there, `drift-issue` tells it on GitHub, and `summary` adds to the page of a workflow run.
"""

import argparse
import signal
import sys
from collections.abc import Sequence

from delivery.cli import ci, cluster, history, release, setup
from system.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status is 1 where it cannot do its work, or its own, 2 where the usage is wrong."""
    try:
        options = _parser().parse_args(arguments)
        if answer := options.run(options):
            print(answer)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)  # message, and `hint: COMMAND` on the next line
        return error.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    stack = argparse.ArgumentParser(add_help=False)
    stack.add_argument("--stack", default="oke", help="the stack (default: oke)")
    cluster.add(commands.add_parser, stack)
    setup.add(commands.add_parser, stack)
    release.add(commands.add_parser, stack)
    history.add(commands.add_parser, stack)
    ci.add(commands.add_parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
