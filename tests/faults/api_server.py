"""The API server is unavailable, slow or overloaded, fails, or closes connections during an update."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from tests.support.faults.case import CASES, RECOVER, UP_ALONE, Case, case
from tests.support.faults.proxy import INTERNAL_ERROR, TOO_MANY_REQUESTS
from tests.support.faults.sandbox import Sandbox
from tests.support.faults.update import KAFKA_SECRET, UP, step_starts
from tests.support.project import Outcome

_SLOW_SECONDS = 0.15
_CUT_EACH_SECONDS = 0.7


def _during(sandbox: Sandbox, *, seconds: float, fault: Callable[[Sandbox], AbstractContextManager[None]]) -> Outcome:
    """Apply the fault for these seconds while Helm waits for the pods."""
    sandbox.change()
    with sandbox.updating() as update:
        update.wait_until(sandbox.helm_is_busy("todo-app", "default"))
        with fault(sandbox):
            time.sleep(seconds)
        return update.end()


for _seconds in (1, 10, 60):
    CASES.append(
        Case(
            f"the API server is away for {_seconds} s",
            partial(_during, seconds=_seconds, fault=lambda sandbox: sandbox.proxy.unavailable()),
            (UP_ALONE, RECOVER),
        )
    )
for _name, _error in (("429", TOO_MANY_REQUESTS), ("500", INTERNAL_ERROR)):
    for _seconds in (3, 40):
        CASES.append(
            Case(
                f"the API server answers {_name} for {_seconds} s",
                partial(
                    _during, seconds=_seconds, fault=lambda sandbox, error=_error: sandbox.proxy.responding_with(error)
                ),
                (UP_ALONE, RECOVER),
            )
        )


def _at_once(sandbox: Sandbox, *, fault: Callable[[Sandbox], AbstractContextManager[None]]) -> Outcome:
    """Apply the fault before the update starts."""
    sandbox.change()
    with fault(sandbox):
        return sandbox.project.run(*UP)


for _name, _fault in {
    "is away": lambda sandbox: sandbox.proxy.unavailable(),
    "answers 429": lambda sandbox: sandbox.proxy.responding_with(TOO_MANY_REQUESTS),
    "answers 500": lambda sandbox: sandbox.proxy.responding_with(INTERNAL_ERROR),
}.items():
    CASES.append(Case(f"the API server {_name} from the start", partial(_at_once, fault=_fault)))


@case("the API server goes away while secrets are rotated", UP_ALONE, RECOVER)
def _away_early(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with sandbox.updating() as update:
        update.wait_until(step_starts(KAFKA_SECRET))
        with sandbox.proxy.unavailable():
            return update.end()


@case("the API server is slow")
def _slow(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with sandbox.proxy.slow(_SLOW_SECONDS):
        return sandbox.project.run(*UP)


@case("connections and watches are cut again and again", UP_ALONE, RECOVER)
def _cut(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with sandbox.updating() as update:
        update.wait_until(sandbox.helm_is_busy("todo-app", "default"))
        with _cutting(sandbox):
            return update.end()


@contextmanager
def _cutting(sandbox: Sandbox) -> Generator[None]:
    over = threading.Event()

    def cut() -> None:
        while not over.wait(_CUT_EACH_SECONDS):
            sandbox.proxy.cut()

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
