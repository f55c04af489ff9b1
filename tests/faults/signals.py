"""Ctrl-C, a cancelled job, and two updates at the same time."""

import signal
import time

from tests.support.faults.case import RECOVER, UP_ALONE, case
from tests.support.faults.sandbox import Sandbox
from tests.support.faults.update import KAFKA_SECRET, UP, step_starts
from tests.support.project import Outcome

_BETWEEN_SECONDS = 0.5


@case("SIGINT once", UP_ALONE, RECOVER)
def _once(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with sandbox.updating() as update:
        update.wait_until(sandbox.helm_is_busy("todo-app", "default"))
        update.interrupt()
        return update.end()


@case("SIGINT twice", UP_ALONE, RECOVER)
def _twice(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with sandbox.updating() as update:
        update.wait_until(sandbox.helm_is_busy("todo-app", "default"))
        update.interrupt()
        time.sleep(_BETWEEN_SECONDS)
        update.interrupt()
        return update.end()


@case("SIGTERM, as of a runner that is shut down", UP_ALONE, RECOVER)
def _terminated(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with sandbox.updating() as update:
        update.wait_until(sandbox.helm_is_busy("todo-app", "default"))
        update.process.send_signal(signal.SIGTERM)
        return update.end()


@case("two updates at once")
def _two(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    with sandbox.updating() as update:
        update.wait_until(step_starts(KAFKA_SECRET))
        second = sandbox.project.run(*UP)
    assert update.process.returncode == 0, "the first update was disturbed"
    return second
