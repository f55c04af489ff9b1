"""`up`, `verify`, `recover`."""

import argparse

from delivery.cli.group import Group, echo


def add(group: Group, stack: argparse.ArgumentParser) -> None:
    up = group.command("up", "Update a stack, verify it, and roll back if it fails", _up, [stack])
    verify = group.command("verify", "Verify that the cluster runs the stack's outputs", _verify, [stack])
    verify.add_argument("--seconds", type=float, help="the timeout (default: the stack's verifyTimeoutSeconds)")
    verify.add_argument("--json", action="store_true", help="print JSON")
    recover = group.command("recover", "Repair a stack that an interrupted update left stuck", _recover, [stack])
    for command in (up, recover):
        command.add_argument(
            "--yes", dest="how", action="store_const", const="yes", default="ask", help="do not ask for confirmation"
        )


def _up(options: argparse.Namespace) -> None:
    from delivery import up

    up.bring_up(options.stack, options.how, echo)


def _verify(options: argparse.Namespace) -> None:
    from delivery import report
    from delivery.verify import run

    form = report.as_json if options.json else report.plain
    run.run(options.stack, options.seconds, lambda checks: echo(form(checks)))


def _recover(options: argparse.Namespace) -> None:
    from delivery.recover import run

    run.recover(options.stack, options.how, echo)
