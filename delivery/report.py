"""The results of checks, for a terminal, for the summary page of a workflow run, and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["passed", "failed", "not applicable"]

_MARKS = {"passed": "ok", "failed": "FAILED", "not applicable": "n/a"}


@dataclass(frozen=True)
class Check:
    """The result of a check."""

    name: str
    state: State
    evidence: str  # what the check saw
    causes: Sequence[str] = ()  # why it failed, a line each; pods wrote some of them


def plain(checks: Sequence[Check]) -> str:
    """Return a line for each check, with the causes of a failure below it."""
    width = max(len(check.name) for check in checks)
    return "\n".join(
        f"{_MARKS[check.state]:<6} {check.name:<{width}}  "
        + f"\n{'':9}".join([*check.evidence.splitlines(), *check.causes])
        for check in checks
    )


def markdown(result: str, reason: str | None, checks: Sequence[Check]) -> str:
    """Return a section for $GITHUB_STEP_SUMMARY; reason: None where the result is `passed`."""
    lines = [f"### Verification: {result}", "", *([_cell(reason), ""] if reason else [])]
    if checks:
        rows = [f"| {check.name} | {_MARKS[check.state]} | {_evidence(check)} |" for check in checks]
        lines += ["| check | result | evidence |", "| --- | --- | --- |", *rows, ""]
    return "\n".join([*lines, ""])


def as_json(checks: Sequence[Check]) -> str:
    """Return a list of objects with name, state, evidence and causes."""
    return json.dumps([asdict(check) for check in checks], indent=2)


def _evidence(check: Check) -> str:
    return "<br>".join(map(_cell, [check.evidence, *check.causes]))


def _cell(text: str) -> str:
    # Pods write what they like into their logs: it must be neither markup nor a column.
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]|#" else letter for letter in text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
