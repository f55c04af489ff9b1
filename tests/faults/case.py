"""A case, its run and its result."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tests.faults.judge import Judge, State, look
from tests.faults.site import STACK, STATE_FILE, Site
from tests.faults.update import UP
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
# A fault gives what the user's command printed, or, where no command failed, what there is to see.
Fault: TypeAlias = Callable[[Site], Outcome | str]

_LONGEST = 150
_ERROR = re.compile(r"error: *(.*)")
_TELLS_NOTHING = re.compile(r"(update|preview) failed")
# Said of whatever the engine asked of the program meanwhile, beside why it ended.
_OF_AN_ENDED_PROGRAM = re.compile(r"invoke transform: rpc error|grpc: the client connection is closing")


@dataclass(frozen=True)
class Case:
    """fault: breaks something, and takes the cause away again; what is left is for `healed_by` to mend.

    healed_by: ways to heal, each as steps; the first that works is told.
    may_be_replaced: a pattern of the objects that the fault itself, or Helm's way of healing, replaces.
    prepare: what comes before the fault and belongs to no loss.
    """

    name: str
    fault: Fault
    healed_by: Sequence[Sequence[str]] = (UP_ALONE,)
    may_be_replaced: str = ""
    prepare: Callable[[Site], None] = lambda _: None


@dataclass(frozen=True)
class Result:
    """seen: the first line of the error; seconds: from the first step to its end that healed it.

    printed: all that the user's command and the steps printed.
    """

    name: str
    seen: str
    healed_by: str
    seconds: float
    lost: Sequence[str] = ()
    leaks: Sequence[str] = ()
    unhealed: Sequence[str] = ()
    printed: str = ""

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.leaks or self.unhealed)


CASES: list[Case] = []


def case(name: str, *healed_by: Sequence[str], may_be_replaced: str = "") -> Callable[[Fault], Fault]:
    """Makes a case of a fault."""

    def register(fault: Fault) -> Fault:
        CASES.append(Case(name, fault, healed_by or (UP_ALONE,), may_be_replaced))
        return fault

    return register


def run(case: Case, site: Site, judge: Judge) -> Result:
    """Breaks, heals and judges."""
    case.prepare(site)
    before = look(site)
    outcome = case.fault(site)
    broken = look(site)
    begun = time.monotonic()
    healing = _Healing("itself", "", []) if _survived(outcome) else _heal(case, site)
    seconds = time.monotonic() - begun
    site.reap()
    printed = [outcome if isinstance(outcome, str) else outcome.text, *healing.printed]
    seen = printed[0] if isinstance(outcome, str) else next(filter(None, map(first_error, printed)), "")
    if healing.failed:
        return Result(
            case.name, seen, "nothing", seconds, (), judge.leaks(site, broken), [healing.failed], "\n".join(printed)
        )
    healed, state = look(site), State.of(site)
    return Result(
        case.name,
        seen,
        healing.by,
        seconds,
        lost=judge.lost(state, before, broken, healed, case.may_be_replaced),
        leaks=judge.leaks(site, broken, healed),
        unhealed=judge.unhealed(site, state, healed),
        printed="\n".join(printed),
    )


def first_error(text: str) -> str:
    """The first line of the error that tells most, shortened."""
    _, _, diagnostics = text.partition("Diagnostics:\n")  # what comes before is said there again, in full
    lines = [line.strip() for line in (diagnostics or text).splitlines() if line.strip()]
    errors = [_told(found[1], lines[place + 1 :]) for place, line in enumerate(lines) if (found := _ERROR.search(line))]
    telling = [error for error in errors if error and not _TELLS_NOTHING.fullmatch(error)]
    told = next((error for error in telling if not _OF_AN_ENDED_PROGRAM.search(error)), next(iter(telling), ""))
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def _told(error: str, following: Sequence[str]) -> str:
    """The line with those that it announces."""
    rest = iter(following)
    while error.endswith(":"):
        error = f"{error} {next(rest, '…')}".replace("1 error occurred: * ", "")
    return error


def _survived(outcome: Outcome | str) -> bool:
    return isinstance(outcome, Outcome) and outcome.code == 0


@dataclass(frozen=True)
class _Healing:
    """by: the steps that healed; failed: else, the last one that did not work, with what it printed."""

    by: str
    failed: str
    printed: Sequence[str]


def _heal(case: Case, site: Site) -> _Healing:
    failed, printed = "", list[str]()
    for way in case.healed_by:
        for step in way:
            outcome = site.project.run(*STEPS[step])
            printed.append(f"$ {step}\n{outcome.text}")
            if outcome.code != 0:
                failed = f"`{step}` failed:\n{outcome.text}"
                break
        else:
            return _Healing(", ".join(way), "", printed)
    return _Healing("", failed, printed)
