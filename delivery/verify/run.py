"""`python -m delivery verify`, and the verification of `up`."""

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
from delivery.verify import expected
from delivery.verify.loop import PACING, Pacing, UnverifiedError, verify
from delivery.verify.progress import shown
from system.errors import UserError


@dataclass(frozen=True)
class Result:
    state: Literal["passed", "failed", "unknown"]  # unknown says nothing of the app
    checks: Sequence[Check] = ()  # none where the state is unknown
    error: UserError | None = None  # None where all checks passed


def verify_stack(name: str, seconds: float | None = None, pacing: Pacing = PACING) -> Result:
    """Verify a stack, with progress on standard error, and tag the stack with the verified update.

    seconds: the timeout, or None for the stack's own.
    """
    try:
        outputs = expected.read(stack.outputs(name))
        with shown(sys.stderr, os.environ) as progress:
            timeout = outputs.seconds if seconds is None else seconds
            checks = verify(access.client(name), outputs, timeout, progress, pacing)
    except UserError as error:
        return Result("unknown", error=UnverifiedError(error.message, error.hint))
    except KeyboardInterrupt:
        interrupted = UnverifiedError("The verification was interrupted.", f"python -m delivery verify --stack {name}")
        return Result("unknown", error=interrupted)
    if failed := [check.name for check in checks if check.state == "failed"]:
        return Result("failed", checks, UserError(f"{len(failed)} of {len(checks)} checks failed: {', '.join(failed)}"))
    try:
        updates.record_verified(name)
    except UserError as error:
        sys.stderr.write(f"could not record the update as verified: {error}\n")
    return Result("passed", checks)


def run(name: str, seconds: float | None, show: Callable[[Sequence[Check]], None], pacing: Pacing = PACING) -> None:
    """Verify a stack, and show the checks; in a workflow run, on its page too.

    Raises UserError where a check fails, and UnverifiedError where there is no result.
    """
    result = verify_stack(name, seconds, pacing)
    publish(result, os.environ)
    if result.checks:
        show(result.checks)
    if result.error:
        raise result.error


def publish(result: Result, environment: Mapping[str, str]) -> None:
    """Add the result to the summary page of a workflow run, and set the step's output `result`."""
    reason = str(result.error) if result.error else None
    summary.add_markdown(environment, report.markdown(result.state, reason, result.checks))
    summary.set_output(environment, "result", result.state)
