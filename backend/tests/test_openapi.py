"""No request makes the server fail, whether the OpenAPI document allows it or not."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path

from todo.settings import Settings
from todo.tokens import issue

from .conftest import SECRET
from .serving import process

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


def test_no_request_makes_the_server_fail(settings: Settings, tmp_path: Path) -> None:
    token = issue("alice", timedelta(hours=1), SECRET)
    with process(settings, subprocess.DEVNULL) as (_, url):  # its log is larger than a pipe
        fuzzed = subprocess.run(
            ["schemathesis", "--config-file", CONFIGURATION, "run", f"{url}/api/openapi.json"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "TOKEN": token},
            capture_output=True,
            text=True,
            check=False,
        )
    assert fuzzed.returncode == 0, fuzzed.stdout + fuzzed.stderr
