import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from system import process
from system.errors import UserError
from tests.support import example
from tests.support.commands import StandIn


def test_program_gets_no_secret_that_another_one_needs() -> None:
    environment = {"PATH": "/bin", "PULUMI_ACCESS_TOKEN": "a", "GH_TOKEN": "b", "GITHUB_TOKEN": "c"}

    assert process.environment_for("pulumi", environment).keys() == {"PATH", "PULUMI_ACCESS_TOKEN"}
    assert process.environment_for("gh", environment).keys() == {"PATH", "GH_TOKEN"}
    assert process.environment_for(None, environment).keys() == {"PATH"}


@pytest.mark.parametrize(
    ("command", "remedy"), [("pulumi", "make tools"), ("docker", "https://docs.docker.com"), ("slow", "")]
)
def test_missing_program_is_reported_with_a_remedy(command: str, remedy: str) -> None:
    with pytest.raises(UserError, match=f"^{command} is not on PATH") as error:
        process.run([command], {"PATH": "/nowhere"})

    assert remedy in str(error.value)


def test_error_output_hides_the_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn("pulumi", tmp_path, monkeypatch).does("read -r line; echo no $line >&2; exit 3")

    done = process.run(["pulumi"], os.environ, "canary\n")

    assert (done.code, done.errors) == (3, "no [hidden]")


def test_program_is_killed_at_its_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn("pulumi", tmp_path, monkeypatch).does("exec sleep 60")

    with pytest.raises(UserError, match=r"`pulumi config set` timed out"):
        process.run(["pulumi", "config", "set", "key"], os.environ, "canary", seconds=0.3)


def test_program_ends_before_ctrl_c_reaches_the_caller(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text(f"#!/bin/sh\ntouch {tmp_path}/begun\nsleep 0.7\ntouch {tmp_path}/ended\n")
    slow.chmod(0o755)
    # A background job of a shell inherits that SIGINT is ignored.
    code = "import signal; from system import process; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += f"process.run(['slow'], {{'PATH': '{tmp_path}:/usr/bin:/bin'}})"
    caller = subprocess.Popen(
        [sys.executable, "-c", code], cwd=example.PROJECT_FOLDER, start_new_session=True, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.01)

    os.killpg(caller.pid, signal.SIGINT)
    _, errors = caller.communicate(timeout=60)

    assert (tmp_path / "ended").exists()
    assert b"KeyboardInterrupt" in errors
