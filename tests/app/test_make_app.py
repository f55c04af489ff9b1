"""The command that `make app` runs."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import __main__ as devstack
from tests.support.toolchain.processes import reset_signals

ROOT = Path(__file__).parents[2]


@pytest.fixture
def started(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    kept = {name: value for name, value in os.environ.items() if name != "COHERE_API_KEY"}
    command = [sys.executable, "-u", ROOT / "tools" / "devstack", folder / "app"]
    with subprocess.Popen(
        command,
        env=kept,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=reset_signals,  # noqa: PLW1509 (no threads here)
    ) as process:
        yield process
        process.send_signal(signal.SIGINT)


def read_until(process: "subprocess.Popen[str]", text: str) -> str:
    assert process.stdout
    output = ""
    while text not in output:
        line = process.stdout.readline()
        assert line, f"it ended: {output}"
        output += line
    return output


def get(path: str, token: str = "") -> tuple[int, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{devstack.PAGE_PORT}{path}")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (an address of ours)
        return answer.status, answer.read()


def test_app_runs_until_ctrl_c(started: "subprocess.Popen[str]") -> None:
    output = read_until(started, "Ctrl-C stops everything")
    (token,) = re.findall(r"^ +(ey\S+)$", output, re.MULTILINE)
    assert b"<title>" in get("/")[1]
    assert get("/api/me", token)[0] == 200
    assert b'"sidecar":"ok"' in get("/api/ready")[1]

    started.send_signal(signal.SIGINT)

    assert started.wait(timeout=60) == 0
    with pytest.raises(urllib.error.URLError):
        get("/")
