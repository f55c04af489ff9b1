"""A process of the devstack."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from system.errors import UserError
from tests.support.toolchain.processes import is_alive, reset_signals
from tools.devstack.process import running

ROOT = Path(__file__).resolve().parents[3]


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_process_runs_from_ready_to_the_end_of_the_block(tmp_path: Path, log: Path) -> None:
    ready = tmp_path / "ready"
    with running("part", shell(f"echo $$; sleep 0.2; touch {ready}; exec sleep 300"), log, ready.exists):
        assert ready.exists()
        pid = int(log.read_text())
        assert is_alive(pid)
    assert not is_alive(pid)


def test_process_may_clean_up(log: Path) -> None:
    script = "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.05; done"
    with running("part", shell(script), log, lambda: "ready" in log.read_text()):
        pass
    assert log.read_text() == "ready\nbye\n"


def test_error_shows_the_end_of_the_log(log: Path) -> None:
    with (
        pytest.raises(UserError) as error,
        running("part", shell("seq 100; echo 'no such broker' >&2; exit 3"), log, lambda: False),
    ):
        pass
    lines = str(error.value).splitlines()
    assert "exit code 3" in lines[0]
    assert str(log) in lines[0]
    assert lines[-2:] == ["100", "no such broker"]
    assert "1" not in lines


def test_process_that_is_never_ready_is_killed(log: Path) -> None:
    script = "trap '' TERM; echo $$; echo waiting; while :; do sleep 0.1; done"
    with (
        pytest.raises(UserError, match=r"not ready within 0\.5 s"),
        running("part", shell(script), log, lambda: False, start_seconds=0.5, stop_seconds=0.3),
    ):
        pass
    assert not is_alive(int(log.read_text().split()[0]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_a_command_and_its_processes(tmp_path: Path, number: signal.Signals) -> None:
    code = f"""
from pathlib import Path
from signal import pause
from devstack.process import running
from system.signals import exit_code, handle_termination
handle_termination()
log = Path({str(tmp_path / "log")!r})
try:
    with running("part", ["/bin/sh", "-c", "echo $$; exec sleep 300"], log, lambda: "\\n" in log.read_text()):
        print("ready", flush=True)
        pause()
except KeyboardInterrupt as interrupt:
    raise SystemExit(exit_code(interrupt))
"""
    path = os.pathsep.join((str(ROOT), str(ROOT / "tools")))
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        preexec_fn=reset_signals,  # noqa: PLW1509 (no threads here)
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    assert not is_alive(int((tmp_path / "log").read_text()))
