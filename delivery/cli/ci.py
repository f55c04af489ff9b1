"""What workflow runs tell: `drift`, `drift-issue`, `overtaken`, `summary`."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path


def add(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds the commands to those of `python -m delivery`."""
    stack = argparse.ArgumentParser(add_help=False)
    stack.add_argument("--stack", required=True, help="the stack")
    drift = add_parser(
        "drift",
        parents=[stack],
        help="print what an update would change though nobody asked for it, and what is to be renewed",
    )
    drift.set_defaults(run=_drift)
    issue = add_parser("drift-issue", parents=[stack], help="open, update or close the issue that tells it")
    issue.set_defaults(run=_drift_issue)
    overtaken = add_parser("overtaken", parents=[stack], help="tell whether a later commit was brought up already")
    overtaken.set_defaults(run=_overtaken)
    summary = add_parser("summary", help="pass standard input on, and add it to the workflow run's page")
    summary.add_argument("title")
    summary.set_defaults(run=_summary)


def _drift(options: argparse.Namespace) -> str:
    from delivery.ci import certificate, drift

    return "\n".join([*drift.find(options.stack), *certificate.find(options.stack)])


def _drift_issue(options: argparse.Namespace) -> str:
    from delivery.ci import issue

    server, repository, run = map(os.environ.get, ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"))
    address = f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""
    changes = [line for line in sys.stdin.read().splitlines() if line]
    return issue.tell(options.stack, changes, address)


def _overtaken(options: argparse.Namespace) -> str:
    from delivery.ci import summary, superseded

    found = superseded.find(options.stack)
    summary.set_output(os.environ, "overtaken", "true" if found else "false")
    if found and (page := os.environ.get("GITHUB_STEP_SUMMARY")):
        summary.add(Path(page), "Nothing was brought up", found)
    return found


def _summary(options: argparse.Namespace) -> None:
    from delivery.ci import summary

    lines: list[str] = []
    for line in sys.stdin:
        print(line, end="", flush=True)
        lines.append(line)
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        summary.add(Path(page), options.title, "".join(lines))
