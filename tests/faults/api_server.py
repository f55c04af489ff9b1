"""The API server is away, slow, full or broken, or its connections are cut, in the middle of an update."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from tests.faults.case import CASES, RECOVER, UP_ALONE, Case, case
from tests.faults.front import BROKEN, TOO_MANY
from tests.faults.kills import SECRET, begins, helm_waits
from tests.faults.site import Site
from tests.faults.update import UP
from tests.support.project import Outcome

_SLOW_SECONDS = 0.15
_CUT_EACH_SECONDS = 0.7


def _during(site: Site, *, seconds: float, fault: Callable[[Site], AbstractContextManager[None]]) -> Outcome:
    """The fault lasts so long, from when Helm waits for the pods."""
    site.change()
    with site.updating() as update:
        update.wait_until(helm_waits(site, "todo-app", "default"))
        with fault(site):
            time.sleep(seconds)
        return update.end()


for _seconds in (1, 10, 60):
    CASES.append(
        Case(
            f"the API server is away for {_seconds} s",
            partial(_during, seconds=_seconds, fault=lambda site: site.front.away()),
            (UP_ALONE, RECOVER),
        )
    )
for _name, _refusal in (("429", TOO_MANY), ("500", BROKEN)):
    for _seconds in (3, 40):
        CASES.append(
            Case(
                f"the API server answers {_name} for {_seconds} s",
                partial(_during, seconds=_seconds, fault=lambda site, refusal=_refusal: site.front.answering(refusal)),
                (UP_ALONE, RECOVER),
            )
        )


def _at_once(site: Site, *, fault: Callable[[Site], AbstractContextManager[None]]) -> Outcome:
    """The fault is there when the update begins."""
    site.change()
    with fault(site):
        return site.project.run(*UP)


for _name, _fault in {
    "is away": lambda site: site.front.away(),
    "answers 429": lambda site: site.front.answering(TOO_MANY),
    "answers 500": lambda site: site.front.answering(BROKEN),
}.items():
    CASES.append(Case(f"the API server {_name} from the start", partial(_at_once, fault=_fault)))


@case("the API server goes away while secrets are rotated", UP_ALONE, RECOVER)
def _away_early(site: Site) -> Outcome:
    site.change()
    with site.updating() as update:
        update.wait_until(begins(SECRET))
        with site.front.away():
            return update.end()


@case("the API server is slow")
def _slow(site: Site) -> Outcome:
    site.change()
    with site.front.slow(_SLOW_SECONDS):
        return site.project.run(*UP)


@case("connections and watches are cut again and again", UP_ALONE, RECOVER)
def _cut(site: Site) -> Outcome:
    site.change()
    with site.updating() as update:
        update.wait_until(helm_waits(site, "todo-app", "default"))
        with _cutting(site):
            return update.end()


@contextmanager
def _cutting(site: Site) -> Generator[None]:
    over = threading.Event()

    def cut() -> None:
        while not over.wait(_CUT_EACH_SECONDS):
            site.front.cut()

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
