"""`drift`, `drift-issue`, `superseded`, `summary`."""

import argparse
import os
import sys

from delivery.cli.group import Group


def add(group: Group, stack: argparse.ArgumentParser) -> None:
    group.command("drift", "List drift, and certificates that expire soon", _drift, [stack])
    group.command("drift-issue", "Open, update or close the GitHub issue about drift", _drift_issue, [stack])
    group.command("superseded", "Check whether a later commit was already deployed", _superseded, [stack])
    summary = group.command("summary", "Copy stdin to stdout and to the job summary", _summary)
    summary.add_argument("title", help="the heading in the job summary")


def _drift(options: argparse.Namespace) -> str:
    from delivery.ci import certificate, drift

    return "\n".join([*drift.find(options.stack), *certificate.find(options.stack)])


def _drift_issue(options: argparse.Namespace) -> str:
    from delivery.ci import issue

    return issue.sync(options.stack, sys.stdin.read().splitlines(), os.environ)


def _superseded(options: argparse.Namespace) -> str | None:
    from delivery.ci import superseded

    return superseded.check(options.stack, os.environ)


def _summary(options: argparse.Namespace) -> None:
    from delivery.ci import summary

    summary.copy(options.title, sys.stdin, sys.stdout, os.environ)
