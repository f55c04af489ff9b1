"""The command, run as a user runs it, with the project's own pins: all is installed but what a test takes away."""

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.toolchain.processes import is_alive
from tests.support.toolchain.stand_ins import Go, executable
from tools.toolchain import chart, engine
from tools.toolchain.layout import Layout
from tools.toolchain.pins import PINS

ROOT = Path(__file__).resolve().parents[3]


class User:
    """A user's machine: a checkout, a home, and a folder on PATH."""

    def __init__(self, folder: Path, venv: Path) -> None:
        self.checkout = folder / "checkout"
        self.path = folder / "path"
        self.go = Go(self.path, folder / "go")
        self._environment = {"HOME": str(folder / "home"), "PATH": f"{self.path}:/usr/bin:/bin"}
        self.layout = Layout.of(self.checkout, self._environment)
        shutil.copytree(ROOT / "tools", self.checkout / "tools", ignore=shutil.ignore_patterns("__pycache__"))
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

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, self.checkout / "tools" / "bootstrap.py", *arguments],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, what is printed, and what is printed as an error."""
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=30)
        return process.returncode, output, errors


@pytest.fixture
def user(tmp_path: Path, empty_venv: Path) -> User:
    return User(tmp_path, empty_venv)


def pid_of_build(go: Go) -> int:
    """Waits until a build is at work."""
    deadline = time.monotonic() + 20
    while not (builds := go.calls("build")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return builds[0].pid


def test_everything_is_provided_and_the_second_run_does_nothing(user: User) -> None:
    code, output, errors = user.run()
    assert (code, errors) == (0, "")
    assert output.splitlines()[-1] == f"the toolchain is ready in {user.layout.bin}"
    assert {path.name for path in user.layout.bin.iterdir()} == {
        name for tool in PINS.tools for name in (tool.name, *tool.beside)
    }
    for name in ("dapr", "traefik", "cert-manager"):
        assert (user.layout.charts / name / "Chart.yaml").is_file()
    assert user.run() == (0, f"the toolchain is ready in {user.layout.bin}\n", "")


def test_an_error_is_a_sentence_and_not_a_traceback(user: User) -> None:
    (user.path / "kwok").unlink()
    code, _, errors = user.run()
    assert code == 1
    assert errors == (
        "error: kwok must be built here, which takes Go 1.26 or newer, and there is none on PATH that works: "
        "install it from https://go.dev/dl/.\n"
    )


def test_what_the_app_lacks_is_a_sentence_too(user: User) -> None:
    executable(user.path / "node", "v18.0.0")
    executable(user.path / "java", "none that the app needs")
    code, _, errors = user.run("app")
    assert code == 1
    assert f"error: Node 20 or newer is needed, and {user.path / 'node'} is 18: install it from https" in errors
    assert "Java" not in errors


def test_what_the_apps_tests_lack_is_a_sentence_too(user: User) -> None:
    executable(user.path / "java", "openjdk 11.0.2 2019-01-15")
    code, _, errors = user.run("app-tests")
    assert code == 1
    assert f"error: Java 17 or newer is needed, and {user.path / 'java'} is 11: install it" in errors


def test_what_is_not_known_is_an_error(user: User) -> None:
    code, _, errors = user.run("apps")
    assert code == 2
    assert "invalid choice: 'apps'" in errors
    assert not user.layout.bin.exists()


def test_help_provides_nothing(user: User) -> None:
    code, output, _ = user.run("--help")
    assert code == 0
    assert output.startswith("usage: python3 tools/bootstrap.py")
    assert not user.layout.bin.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_build_and_leaves_nothing(user: User, number: signal.Signals) -> None:
    (user.path / "kwok").unlink()
    user.go.install(then="sleep 60")
    process = user.start()
    build = pid_of_build(user.go)
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (128 + number, "")
    assert not is_alive(build)
    assert {path.name for path in user.layout.cache.iterdir()} == {"lock", *map(chart.entry, PINS.charts)}
    assert not user.layout.bin.exists()


def test_a_second_run_at_the_same_time_waits(user: User) -> None:
    (user.path / "kwok").unlink()
    user.go.install(then="sleep 1")
    first = user.start()
    pid_of_build(user.go)
    code, output, _ = user.run()
    first.communicate(timeout=10)
    assert (code, first.returncode) == (0, 0)
    assert output.startswith("another bootstrap is at work; waiting for it\n")
    assert len(user.go.calls("build")) == 1


def test_a_killed_run_leaves_nothing_that_the_next_one_would_use(user: User) -> None:
    (user.path / "kwok").unlink()
    user.go.install(then="sleep 60")
    process = user.start()
    build = pid_of_build(user.go)
    process.kill()
    process.communicate()
    os.killpg(build, signal.SIGKILL)
    user.go.install()
    assert user.run()[0] == 0
    assert len(user.go.calls("build")) == 2
    assert not list(user.layout.cache.glob(".staging-*"))


def test_an_older_python_can_read_what_the_command_asks_first() -> None:
    ast.parse((ROOT / "tools" / "bootstrap.py").read_text(), feature_version=(3, 6))
