"""The verification of a stack, from its outputs to what a person and a workflow run are told of it."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from delivery import access, report
from delivery.ci import summary
from delivery.engine import stack
from delivery.history import updates
from delivery.report import Check
from delivery.verify.expected import wanted
from delivery.verify.loop import UnverifiedError, verify
from delivery.verify.progress import shown
from system.errors import UserError


@dataclass(frozen=True)
class Verdict:
    """result: unknown where there was nothing to judge by, which is no failure of the app.

    checks: none where it is unknown; reason: why it is not passed, as a message for the user.
    """

    result: Literal["passed", "failed", "unknown"]
    checks: Sequence[Check]
    reason: str


def judge(name: str, seconds: float | None) -> Verdict:
    """Verifies a stack, with its progress on standard error, and notes on the stack that its update was proven good.

    seconds: how long it may take; None for as long as the stack's settings say.
    """
    try:
        expected = wanted(stack.outputs(name))
        with shown(sys.stderr, os.environ) as progress:
            limit = expected.seconds if seconds is None else seconds
            checks = verify(access.client(name), expected, limit, progress)
    except UserError as error:
        return Verdict("unknown", [], str(error))
    except KeyboardInterrupt:
        return Verdict("unknown", [], f"It was interrupted.\n    python -m delivery verify --stack {name}")
    if failed := [check.name for check in checks if check.state == "failed"]:
        return Verdict("failed", checks, f"{len(failed)} of {len(checks)} checks failed: {', '.join(failed)}")
    try:
        updates.record_verified(name)
    except UserError as error:  # which makes the app no worse
        sys.stderr.write(f"That update was not recorded as verified: {error}\n")
    return Verdict("passed", checks, "")


def run(name: str, seconds: float | None, tell: Callable[[Sequence[Check]], None]) -> None:
    """Verifies a stack, and tells the checks to `tell` and to the workflow run, if it is in one.

    Raises UserError where a check failed, and UnverifiedError where nothing could be judged.
    """
    verdict = judge(name, seconds)
    publish(verdict, os.environ)
    if verdict.checks:
        tell(verdict.checks)
    if verdict.result == "unknown":
        raise UnverifiedError(verdict.reason)
    if verdict.result == "failed":
        raise UserError(verdict.reason)


def publish(verdict: Verdict, environment: Mapping[str, str]) -> None:
    """Tells a verdict to the workflow run: on its page, and as the step's output `result`.

    Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    summary.add_markdown(environment, report.markdown(verdict.result, verdict.reason, verdict.checks))
    summary.set_output(environment, "result", verdict.result)
