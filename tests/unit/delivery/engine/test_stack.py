import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from delivery.engine import stack
from system import signals
from system.errors import UserError
from tests.support.commands import StandIn

# An engine that sends signals to its parent and writes down the ones that it gets.
ENGINE = """\
import os, signal, sys, time
noted = []
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    signal.signal(signal.Signals[name], lambda number, _: noted.append(signal.Signals(number).name))
_, file, seconds, *sent = sys.argv
for name in sent:
    os.kill(os.getppid(), signal.Signals[name])
deadline = time.monotonic() + float(seconds)
while not noted and time.monotonic() < deadline:
    time.sleep(0.02)
time.sleep(1)  # time for a second one
with open(file, "w") as notes:
    notes.write(" ".join(noted))
sys.exit(1)
"""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    signals.handle_termination()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("sent", "seconds", "received"),
    [
        (["SIGTERM"], 60, "SIGINT"),
        (["SIGHUP", "SIGTERM"], 60, "SIGINT"),
        (["SIGINT", "SIGTERM"], 0, ""),  # a terminal's Ctrl-C reaches the engine itself
    ],
)
def test_termination_cancels_the_engine_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: Sequence[str], seconds: int, received: str
) -> None:
    (tmp_path / "engine.py").write_text(ENGINE)
    command = [sys.executable, f"{tmp_path}/engine.py", f"{tmp_path}/notes", str(seconds), *sent]
    StandIn("pulumi", tmp_path, monkeypatch).does(f"exec {shlex.join(command)}")

    with pytest.raises(signals.Terminated):
        stack.up("oke", tmp_path / "Pulumi.oke.yaml", "a release")

    assert (tmp_path / "notes").read_text() == received


def test_unknown_stack_is_reported_with_the_command_that_lists_stacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    StandIn("pulumi", tmp_path, monkeypatch).does("echo \"error: no stack named 'nope' found\" >&2; exit 255")

    with pytest.raises(UserError, match="no stack named 'nope' found") as raised:
        stack.outputs("nope")

    assert raised.value.hint == "pulumi stack ls"
