"""`python -m delivery kubeconfig` prints the kubeconfig of an OKE cluster, `oke-token` is the plug-in that it names.

`setup` leads to the first update of a stack, and `doctor` checks what a stack needs around it. `verify` proves that
what a stack promises is what runs, `up` brings it up and takes back what does not verify, `history` tells its updates,
`diff` compares two, and `rollback` goes back to one. `recover` mends a stack that a killed update left stuck. `drift`
compares a stack with what is there, `drift-issue` tells it on GitHub, and `summary` adds to the page of a workflow run.
"""

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from delivery import CommandError, credentials, history_commands, oke_token


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status is 1 where it cannot do its work, or its own, 2 where the usage is wrong."""
    try:
        options = _parser().parse_args(arguments)
        if answer := options.run(options):
            print(answer)
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _parser() -> argparse.ArgumentParser:
    cluster = argparse.ArgumentParser(add_help=False)
    cluster.add_argument("--cluster", required=True, type=_cluster, metavar="OCID", help="the cluster")
    cluster.add_argument("--region", default="", help="its region, like eu-frankfurt-1 (default: the credentials')")
    cluster.add_argument("--profile", default="", help="the profile of ~/.oci/config (default: DEFAULT)")
    cluster.add_argument(
        "--auth", choices=[*credentials.METHODS], default="", help="how to authenticate (default: api_key)"
    )
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    kubeconfig = commands.add_parser("kubeconfig", parents=[cluster], help="print the kubeconfig of an OKE cluster")
    kubeconfig.add_argument("--endpoint", choices=["public", "private"], default="public", help="default: public")
    kubeconfig.set_defaults(run=_kubeconfig)
    token = commands.add_parser("oke-token", parents=[cluster], help="print a token for it, as kubectl wants it")
    token.set_defaults(run=_oke_token)
    stack = argparse.ArgumentParser(add_help=False)
    stack.add_argument("--stack", required=True, help="the stack")
    drift = commands.add_parser("drift", parents=[stack], help="print what an update would change, nothing if nothing")
    drift.set_defaults(run=_drift)
    issue = commands.add_parser("drift-issue", parents=[stack], help="open, update or close the issue that tells it")
    issue.set_defaults(run=_drift_issue)
    summary = commands.add_parser("summary", help="pass standard input on, and add it to the workflow run's page")
    summary.add_argument("title")
    summary.set_defaults(run=_summary)
    production = argparse.ArgumentParser(add_help=False)
    production.add_argument("--stack", default="oke", help="the stack (default: oke)")
    setup = commands.add_parser("setup", parents=[production], help="ask for what a stack needs, and set it")
    setup.set_defaults(run=_setup)
    doctor = commands.add_parser("doctor", parents=[production], help="check what a stack needs, say what mends it")
    doctor.set_defaults(run=_doctor)
    _add_release_commands(commands.add_parser)
    return parser


def _add_release_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    stack = argparse.ArgumentParser(add_help=False)
    stack.add_argument("--stack", default="oke", help="the stack (default: oke)")
    verify = add("verify", parents=[stack], help="prove that what the stack promises is what runs")
    verify.add_argument(
        "--seconds", type=float, help="how long it may take (default: the stack's verifyTimeoutSeconds)"
    )
    verify.add_argument("--json", action="store_true", help="tell the checks to a program")
    verify.set_defaults(run=_verify)
    up = add("up", parents=[stack], help="bring the stack up, verify it, and go back where that fails")
    up.add_argument("--yes", dest="how", action="store_const", const="yes", default="ask", help="do not ask before it")
    up.set_defaults(run=_up)
    history_commands.add(add, stack)
    recover = add("recover", parents=[stack], help="mend what keeps the stack from its next update")
    recover.add_argument(
        "--yes", dest="how", action="store_const", const="yes", default="ask", help="do not ask before it mends"
    )
    recover.set_defaults(run=_recover)


def _cluster(ocid: str) -> str:
    if not re.fullmatch(r"ocid1\.cluster\.[\w.-]+", ocid):
        raise CommandError(
            f"{ocid!r} is no cluster's OCID.\n    --cluster ocid1.cluster.oc1.…   as the console shows it"
        )
    return ocid


def _kubeconfig(options: argparse.Namespace) -> str:
    # The plug-in runs at each kubectl call: it is not to wait for what only this command needs.
    from delivery import kubeconfig  # noqa: PLC0415

    access = kubeconfig.Access(options.cluster, options.region, options.profile, options.auth)
    return kubeconfig.create(access, options.endpoint, datetime.now(UTC))


def _oke_token(options: argparse.Namespace) -> str:
    found = credentials.load(options.profile, options.auth, options.region)
    return oke_token.exec_credential(found, options.cluster, datetime.now(UTC))


def _setup(options: argparse.Namespace) -> None:
    from delivery import setup, terminal  # noqa: PLC0415

    setup.run_setup(options.stack, os.environ, terminal.Console())


def _doctor(options: argparse.Namespace) -> None:
    from delivery import doctor  # noqa: PLC0415

    table, problems = doctor.examine(options.stack, os.environ)
    print(table)
    if problems:
        raise CommandError(f"{problems} to mend.\n    python -m delivery setup --stack {options.stack}   helps with it")


def _drift(options: argparse.Namespace) -> str:
    from delivery import drift  # noqa: PLC0415

    return "\n".join(drift.find(options.stack))


def _drift_issue(options: argparse.Namespace) -> str:
    from delivery import drift_issue  # noqa: PLC0415

    server, repository, run = map(os.environ.get, ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"))
    address = f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""
    changes = [line for line in sys.stdin.read().splitlines() if line]
    return drift_issue.tell(options.stack, changes, address)


def _summary(options: argparse.Namespace) -> None:
    from delivery import summary  # noqa: PLC0415

    lines: list[str] = []
    for line in sys.stdin:
        print(line, end="", flush=True)
        lines.append(line)
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        summary.add(Path(page), options.title, "".join(lines))


def _verify(options: argparse.Namespace) -> None:
    from delivery import report  # noqa: PLC0415
    from delivery.verify import command  # noqa: PLC0415

    form = report.as_json if options.json else report.plain
    command.run(options.stack, options.seconds, lambda checks: print(form(checks), flush=True))


def _up(options: argparse.Namespace) -> None:
    from delivery import up  # noqa: PLC0415

    up.bring_up(options.stack, options.how, lambda line: print(line, flush=True))


def _recover(options: argparse.Namespace) -> None:
    from delivery import recover  # noqa: PLC0415

    recover.recover(
        options.stack,
        options.how,
        lambda line: print(line, flush=True),
        lambda question: input(f"{question} [y/N] ").strip().lower() in ("y", "yes"),
    )


if __name__ == "__main__":
    sys.exit(main())
