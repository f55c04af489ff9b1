"""The command as a user runs it, with the project's pins; every tool is installed but those that a test removes."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.toolchain.fakes import Go, executable
from tests.support.toolchain.processes import is_alive, reset_signals
from tools.toolchain import chart, engine
from tools.toolchain.layout import Layout
from tools.toolchain.pins import PINS

ROOT = Path(__file__).resolve().parents[3]


class User:
    """A user's machine: a checkout in a folder with a space, a home, and a folder on PATH."""

    def __init__(self, folder: Path, venv: Path) -> None:
        self.checkout = folder / "my app"
        self.path = folder / "path"
        self.go = Go(self.path, folder / "go")
        self._environment = {"HOME": str(folder / "home"), "PATH": f"{self.path}:/usr/bin:/bin"}
        self.layout = Layout.of(self.checkout, self._environment)
        for name in ("tools", "system"):
            shutil.copytree(ROOT / name, self.checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        for lock in ("requirements.txt", "requirements-dev.txt"):
            (self.checkout / lock).touch()
        self.layout.venv.symlink_to(venv)
        for tool in PINS.tools:
            executable(self.path / tool.name, f"v{tool.version}")
            for name in tool.beside:
                executable(self.path / name, "official")
        executable(engine.plugin_path(PINS.plugin, self.layout.plugins), "plug-in")
        for each in PINS.charts:
            (self.layout.cache / chart.entry(each) / each.name).mkdir(parents=True)
            (self.layout.cache / chart.entry(each) / each.name / "Chart.yaml").touch()

    def start(self, *arguments: str, prepare: Callable[[], None] = reset_signals) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, self.checkout / "tools" / "bootstrap.py", *arguments],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepare,  # noqa: PLW1509 (no threads here)
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Return the exit code, stdout and stderr."""
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors


@pytest.fixture
def user(tmp_path: Path, empty_venv: Path) -> User:
    return User(tmp_path, empty_venv)


def pid_of_build(go: Go) -> int:
    """Wait for a build."""
    deadline = time.monotonic() + 60
    while not (builds := go.calls("build")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return builds[0].pid


def test_everything_is_provided_once(user: User) -> None:
    code, output, errors = user.run()
    assert (code, errors) == (0, "")
    assert output.splitlines()[-1] == f"the toolchain is ready in {user.layout.bin}"
    assert {path.name for path in user.layout.bin.iterdir()} == {
        name for tool in PINS.tools for name in (tool.name, *tool.beside)
    }
    for name in ("dapr", "traefik", "cert-manager"):
        assert (user.layout.charts / name / "Chart.yaml").is_file()
    assert user.run() == (0, f"the toolchain is ready in {user.layout.bin}\n", "")


def test_missing_go_is_an_error_without_a_traceback(user: User) -> None:
    (user.path / "kwok").unlink()
    code, _, errors = user.run()
    assert code == 1
    assert re.fullmatch(r"error: Go \d+\.\d+ or newer is needed to build kwok, .*\n", errors)


@pytest.mark.parametrize(("what", "command"), [("app", "node"), ("app-tests", "java")])
def test_old_runtime_is_an_error(user: User, what: str, command: str) -> None:
    executable(user.path / command, "11.0.2 2019-01-15")
    code, _, errors = user.run(what)
    assert code == 1
    assert f"error: {command.capitalize()} " in errors
    assert f"{user.path / command} is 11" in errors


@pytest.mark.parametrize(("argument", "code"), [("apps", 2), ("--help", 0)])
def test_wrong_argument_and_help_provide_nothing(user: User, argument: str, code: int) -> None:
    assert user.run(argument)[0] == code
    assert not user.layout.bin.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_the_build_and_leaves_nothing(user: User, number: signal.Signals) -> None:
    (user.path / "kwok").unlink()
    user.go.install(then="sleep 300")
    process = user.start()
    build = pid_of_build(user.go)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (128 + number, "")
    assert not is_alive(build)
    assert {path.name for path in user.layout.cache.iterdir()} == {"lock", *map(chart.entry, PINS.charts)}
    assert not user.layout.bin.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["background job", "nohup"])
def test_ignored_signal_stays_ignored(user: User, number: signal.Signals) -> None:
    def ignore() -> None:
        signal.signal(number, signal.SIG_IGN)

    (user.path / "kwok").unlink()
    user.go.install(then=f"until [ -e '{user.path}/sent' ]; do sleep 0.05; done")
    process = user.start(prepare=ignore)
    pid_of_build(user.go)
    process.send_signal(number)
    (user.path / "sent").touch()
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_second_run_waits_for_the_first(user: User) -> None:
    (user.path / "kwok").unlink()
    user.go.install(then=f"until [ -e '{user.path}/waiting' ]; do sleep 0.05; done")
    first = user.start()
    pid_of_build(user.go)
    second = user.start()
    assert second.stdout
    assert second.stdout.readline().startswith("waiting for another bootstrap")
    (user.path / "waiting").touch()
    for process in (first, second):
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert len(user.go.calls("build")) == 1


def test_killed_run_leaves_nothing_that_the_next_one_uses(user: User) -> None:
    (user.path / "kwok").unlink()
    user.go.install(then="sleep 300")
    process = user.start()
    build = pid_of_build(user.go)
    process.kill()
    process.communicate()
    os.killpg(build, signal.SIGKILL)
    user.go.install()
    assert user.run()[0] == 0
    assert len(user.go.calls("build")) == 2
    assert not list(user.layout.cache.glob(".staging-*"))


def test_older_python_parses_the_command() -> None:
    ast.parse((ROOT / "tools" / "bootstrap.py").read_text(), feature_version=(3, 6))
