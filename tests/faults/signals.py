"""Ctrl-C, a job that is cancelled, and somebody else who updates at the same time."""

import signal
import time

from tests.faults.case import RECOVER, UP_ALONE, case
from tests.faults.kills import begins, helm_waits
from tests.faults.site import Site
from tests.faults.update import UP
from tests.support.project import Outcome

_BETWEEN_SECONDS = 0.5


@case("SIGINT once", UP_ALONE, RECOVER)
def _once(site: Site) -> Outcome:
    site.change()
    with site.updating() as update:
        update.wait_until(helm_waits(site, "todo-app", "default"))
        update.interrupt()
        return update.end()


@case("SIGINT twice", UP_ALONE, RECOVER)
def _twice(site: Site) -> Outcome:
    site.change()
    with site.updating() as update:
        update.wait_until(helm_waits(site, "todo-app", "default"))
        update.interrupt()
        time.sleep(_BETWEEN_SECONDS)
        update.interrupt()
        return update.end()


@case("SIGTERM, as of a runner that is shut down", UP_ALONE, RECOVER)
def _terminated(site: Site) -> Outcome:
    site.change()
    with site.updating() as update:
        update.wait_until(helm_waits(site, "todo-app", "default"))
        update.process.send_signal(signal.SIGTERM)
        return update.end()


@case("two updates at once")
def _two(site: Site) -> Outcome:
    site.change()
    with site.updating() as update:
        update.wait_until(begins("kubernetes:core/v1:Secret::kafka-secrets"))
        second = site.project.run(*UP)
    assert update.process.returncode == 0, "the first update was disturbed"
    return second
