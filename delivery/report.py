"""Checks, of a verification or of what a stack needs, told to a terminal, to a job's summary, and to a program."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["passed", "failed", "not applicable"]

_MARKS = {"passed": "ok", "failed": "FAILED", "not applicable": "n/a"}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at and what came of it.

    evidence: what there is to see, in the stack's own words; causes: why a check failed, a line each, in those of pods.
    """

    name: str
    state: State
    evidence: str
    causes: Sequence[str] = ()


def plain(checks: Sequence[Check]) -> str:
    """One line for each check, and below it the causes of a failure."""
    width = max(len(check.name) for check in checks)
    return "\n".join(
        f"{_MARKS[check.state]:<6} {check.name:<{width}}  "
        + f"\n{'':9}".join([*check.evidence.splitlines(), *check.causes])
        for check in checks
    )


def markdown(result: str, reason: str, checks: Sequence[Check]) -> str:
    """A section for $GITHUB_STEP_SUMMARY; reason: why the result is what it is, where it is not `passed`."""
    lines = [f"### Verification: {result}", "", *([_cell(reason), ""] if reason else [])]
    if checks:
        rows = [f"| {check.name} | {_MARKS[check.state]} | {_evidence(check)} |" for check in checks]
        lines += ["| check | result | evidence |", "| --- | --- | --- |", *rows, ""]
    return "\n".join([*lines, ""])


def as_json(checks: Sequence[Check]) -> str:
    """The same for a program: a list of name, state, evidence and causes."""
    return json.dumps([asdict(check) for check in checks], indent=2)


def _evidence(check: Check) -> str:
    return "<br>".join(map(_cell, [check.evidence, *check.causes]))


def _cell(text: str) -> str:
    # A pod may write whatever it likes into its log: here it is text, and neither markup nor a column.
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]|#" else letter for letter in text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
