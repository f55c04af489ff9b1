"""Signals end a command as Ctrl-C does, after what must not be interrupted, and not where the parent ignores them."""

import signal
from collections.abc import Iterator

import pytest

from system import signals

TERMINATING = (signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_DFL) for number in TERMINATING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", TERMINATING)
def test_termination_is_handled_where_ctrl_c_is(number: signal.Signals) -> None:
    signals.handle_termination()
    with pytest.raises(KeyboardInterrupt) as interrupt:
        signal.raise_signal(number)
    assert signals.exit_code(interrupt.value) == 128 + number


def test_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals.handle_termination()
    with signals.deferred(*TERMINATING):
        signal.raise_signal(signal.SIGHUP)


def test_signal_waits_for_the_end_of_the_block() -> None:
    signals.handle_termination()
    events: list[str] = []
    try:
        with signals.deferred(*TERMINATING):
            signal.raise_signal(signal.SIGTERM)
            events.append("end of the block")
    except signals.Terminated:
        events.append("signal")
    assert events == ["end of the block", "signal"]
