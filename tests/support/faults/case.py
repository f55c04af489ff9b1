"""A case, its run and its result."""

import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tests.support.faults.assertions import Baseline, Snapshot, State
from tests.support.faults.sandbox import STACK, STATE_FILE, Sandbox, make_sandbox
from tests.support.faults.update import UP
from tests.support.project import Outcome

STEPS: Mapping[str, Sequence[str]] = {
    "up": UP,
    "up --refresh": (*UP, "--refresh"),
    "a kept copy of the state": ("cp", f"{STATE_FILE}.kept", STATE_FILE),
    "a new stack": ("pulumi", "stack", "select", "--create", STACK),
    "recover": ("python", "-m", "delivery", "recover", "--stack", STACK, "--yes"),
}
UP_ALONE = ("up",)
REFRESH = ("up --refresh",)
RECOVER = ("recover", "up")
KEPT = ("a kept copy of the state", "up")
# Returns the outcome of the user's command, or a sentence where no command failed.
Fault: TypeAlias = Callable[[Sandbox], Outcome | str]

_MAX_LENGTH = 150
_ERROR = re.compile(r"error: *(.*)")
_GENERIC_ERROR = re.compile(r"(update|preview) failed")
# Printed for every pending request once the program has ended, beside the error that ended it.
_CONSEQUENCE = re.compile(r"invoke transform: rpc error|grpc: the client connection is closing")


@dataclass(frozen=True)
class Case:
    name: str
    fault: Fault  # breaks something and takes the cause away again; `healed_by` repairs the rest
    healed_by: Sequence[Sequence[str]] = (UP_ALONE,)  # ways to heal, as keys of STEPS; the first that works counts
    may_replace: str = ""  # pattern of the objects that the fault itself, or Helm's way of healing, replaces
    prepare: Callable[[Sandbox], None] = lambda _: None  # runs before the fault, and loses nothing


@dataclass(frozen=True)
class Result:
    name: str
    seen: str  # the first line of the error
    healed_by: str
    seconds: float  # from the first step to the end of the step that healed
    lost: Sequence[str] = ()
    leaks: Sequence[str] = ()
    unhealed: Sequence[str] = ()
    printed: str = ""  # by the user's command and by the steps

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.leaks or self.unhealed)


CASES: list[Case] = []


def case(name: str, *healed_by: Sequence[str], may_replace: str = "") -> Callable[[Fault], Fault]:
    """Register a fault as a case."""

    def register(fault: Fault) -> Fault:
        CASES.append(Case(name, fault, healed_by or (UP_ALONE,), may_replace))
        return fault

    return register


@contextmanager
def sandbox_runner(folder: Path) -> Generator[Callable[[Case], Result]]:
    """Run cases in a sandbox in `folder`."""
    with make_sandbox(folder) as sandbox:
        baseline = Baseline.of(sandbox)
        yield lambda case: run(case, sandbox, baseline)


def run(case: Case, sandbox: Sandbox, baseline: Baseline) -> Result:
    """Break, heal and compare with the baseline."""
    case.prepare(sandbox)
    before = Snapshot.of(sandbox)
    outcome = case.fault(sandbox)
    broken = Snapshot.of(sandbox)
    started = time.monotonic()
    healing = _Healing("itself", None, []) if _succeeded(outcome) else _heal(case, sandbox)
    seconds = time.monotonic() - started
    sandbox.kill_orphans()
    printed = [outcome if isinstance(outcome, str) else outcome.text, *healing.printed]
    seen = printed[0] if isinstance(outcome, str) else next(filter(None, map(first_error, printed)), "")
    if healing.failed:
        leaks = baseline.leaks(sandbox, broken)
        return Result(case.name, seen, "nothing", seconds, (), leaks, [healing.failed], "\n".join(printed))
    healed, state = Snapshot.of(sandbox), State.of(sandbox)
    return Result(
        case.name,
        seen,
        healing.by,
        seconds,
        lost=baseline.lost(state, before, broken, healed, case.may_replace),
        leaks=baseline.leaks(sandbox, broken, healed),
        unhealed=baseline.differences(sandbox, state, healed),
        printed="\n".join(printed),
    )


def first_error(text: str) -> str:
    """Return the first line of the most specific error, shortened."""
    _, _, diagnostics = text.partition("Diagnostics:\n")  # repeats in full what comes before
    lines = [line.strip() for line in (diagnostics or text).splitlines() if line.strip()]
    errors = [
        _with_continuation(found[1], lines[place + 1 :])
        for place, line in enumerate(lines)
        if (found := _ERROR.search(line))
    ]
    specific = [error for error in errors if error and not _GENERIC_ERROR.fullmatch(error)]
    first = next((error for error in specific if not _CONSEQUENCE.search(error)), next(iter(specific), ""))
    return first if len(first) <= _MAX_LENGTH else f"{first[: _MAX_LENGTH - 1]}…"


def _with_continuation(error: str, following: Sequence[str]) -> str:
    """Return an error with the lines after its colon."""
    rest = iter(following)
    while error.endswith(":"):
        error = f"{error} {next(rest, '…')}".replace("1 error occurred: * ", "")
    return error


def _succeeded(outcome: Outcome | str) -> bool:
    return isinstance(outcome, Outcome) and outcome.code == 0


@dataclass(frozen=True)
class _Healing:
    by: str  # the steps that healed
    failed: str | None  # the last step that failed, with its output
    printed: Sequence[str]


def _heal(case: Case, sandbox: Sandbox) -> _Healing:
    failed, printed = None, list[str]()
    for way in case.healed_by:
        for step in way:
            outcome = sandbox.project.run(*STEPS[step])
            printed.append(f"$ {step}\n{outcome.text}")
            if outcome.code != 0:
                failed = f"`{step}` failed:\n{outcome.text}"
                break
        else:
            return _Healing(", ".join(way), None, printed)
    return _Healing("", failed, printed)
