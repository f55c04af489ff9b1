"""What brings a stack up, and proves it: `up`, `verify`, `recover`."""

import argparse
from collections.abc import Callable


def add(add_parser: Callable[..., argparse.ArgumentParser], stack: argparse.ArgumentParser) -> None:
    """Adds the commands to those of `python -m delivery`; stack: the argument that names the stack."""
    up = add_parser("up", parents=[stack], help="bring the stack up, verify it, and go back where that fails")
    up.add_argument("--yes", dest="how", action="store_const", const="yes", default="ask", help="do not ask before it")
    up.set_defaults(run=_up)
    verify = add_parser("verify", parents=[stack], help="prove that what the stack promises is what runs")
    verify.add_argument(
        "--seconds", type=float, help="how long it may take (default: the stack's verifyTimeoutSeconds)"
    )
    verify.add_argument("--json", action="store_true", help="tell the checks to a program")
    verify.set_defaults(run=_verify)
    recover = add_parser("recover", parents=[stack], help="mend what keeps the stack from its next update")
    recover.add_argument(
        "--yes", dest="how", action="store_const", const="yes", default="ask", help="do not ask before it mends"
    )
    recover.set_defaults(run=_recover)


def _up(options: argparse.Namespace) -> None:
    from delivery import up

    up.bring_up(options.stack, options.how, _tell)


def _verify(options: argparse.Namespace) -> None:
    from delivery import report
    from delivery.verify import run

    form = report.as_json if options.json else report.plain
    run.run(options.stack, options.seconds, lambda checks: _tell(form(checks)))


def _recover(options: argparse.Namespace) -> None:
    from delivery.recover import run

    run.recover(
        options.stack,
        options.how,
        _tell,
        lambda question: input(f"{question} [y/N] ").strip().lower() in ("y", "yes"),
    )


def _tell(line: str) -> None:
    print(line, flush=True)
