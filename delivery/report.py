"""The checks of a verification, told to a terminal, to a job's summary, and to a program."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from delivery.verify import Check

_MARKS = {"passed": "ok", "failed": "FAILED", "not applicable": "n/a"}


def plain(checks: Sequence[Check]) -> str:
    """One line for each check, and below it what else there is to say."""
    width = max(len(check.name) for check in checks)
    return "\n".join(
        f"{_MARKS[check.state]:<6} {check.name:<{width}}  {check.evidence.replace(chr(10), chr(10) + ' ' * 9)}"
        for check in checks
    )


def markdown(checks: Sequence[Check]) -> str:
    """A table for $GITHUB_STEP_SUMMARY."""
    rows = [f"| {check.name} | {_MARKS[check.state]} | {_cell(check.evidence)} |" for check in checks]
    return "\n".join(["### Verification", "", "| check | result | evidence |", "| --- | --- | --- |", *rows, ""])


def as_json(checks: Sequence[Check]) -> str:
    """The same for a program: a list of name, state and evidence."""
    return json.dumps([asdict(check) for check in checks], indent=2)


def _cell(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return escaped.replace("\n", "<br>")
