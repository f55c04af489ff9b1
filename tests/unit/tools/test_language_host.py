"""The language host, asked as the engine asks it, and then by the engine itself."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from tests.support.toolchain.processes import is_alive
from tools.toolchain.place import link, same_file

ROOT = Path(__file__).resolve().parents[3]
HOST = ROOT / "tools" / "language-host" / "pulumi-language-python"


@contextmanager
def host(link: Path) -> Generator[tuple[subprocess.Popen[str], language_pb2_grpc.LanguageRuntimeStub]]:
    """The host as the engine starts it, by a link somewhere else, and a connection to it."""
    link.symlink_to(HOST)
    with subprocess.Popen(
        [link, "127.0.0.1:1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            yield process, language_pb2_grpc.LanguageRuntimeStub(channel)
        process.kill()


def test_first_calls_of_the_engine(tmp_path: Path) -> None:
    with host(tmp_path / "host") as (_, engine):
        handshake = language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:1")
        assert engine.Handshake(handshake, timeout=60) == language_pb2.LanguageHandshakeResponse()
        packages = engine.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(), timeout=60)
        assert list(packages.packages) == []
        about = engine.About(language_pb2.AboutRequest(), timeout=60)
        assert Path(about.executable) == ROOT / ".venv" / "bin" / "python"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_host_quietly(tmp_path: Path, number: signal.Signals) -> None:
    with host(tmp_path / "host") as (process, _):
        process.send_signal(number)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == -number


def test_host_ends_with_a_killed_engine(tmp_path: Path) -> None:
    with host(tmp_path / "host") as (process, _):
        assert process.stdin
        process.stdin.close()  # as the kernel does
        assert process.wait(timeout=60) == 0


class Stack:
    """A stack of the project in `folder`, with its state beside it."""

    def __init__(self, folder: Path, engine: Path) -> None:
        self.folder = folder
        self._engine = engine
        self._environment = os.environ | {
            "PATH": f"{engine.parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self._engine, *arguments, "--stack=dev", "--non-interactive"],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        return self.start(*arguments).communicate(timeout=110)[0]

    def write(self, program: str) -> None:
        (self.folder / "__main__.py").write_text(program)

    def messages(self) -> str:
        """What a preview shows of the program's messages, without the indentation."""
        diagnostics = self.run("preview", "--color=never").split("Diagnostics:\n")[1].split("Resources:")[0]
        return "\n".join(line.removeprefix("    ") for line in diagnostics.splitlines()[1:]).strip()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine with the project's own language host, also where it came with the official one."""
    found = shutil.which("pulumi")
    if found is None:
        pytest.skip("pulumi is not on PATH: python3 tools/bootstrap.py provides it in .tools/bin")
    folder = tmp_path_factory.mktemp("bin")
    same_file(folder / "pulumi", Path(found).resolve())
    link(folder / HOST.name, HOST)
    return folder / "pulumi"


@pytest.fixture(scope="session")
def new_stack(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Path:
    """The folder of a stack that nothing has been done with."""
    folder = tmp_path_factory.mktemp("stack")
    (folder / "home").mkdir()
    (folder / "Pulumi.yaml").write_text("{name: test, runtime: python}")
    Stack(folder, engine).run("stack", "init")
    return folder


@pytest.fixture
def stack(tmp_path: Path, engine: Path, new_stack: Path) -> Stack:
    shutil.copytree(new_stack, tmp_path, dirs_exist_ok=True)
    return Stack(tmp_path, engine)


def test_config_secrets_and_outputs(stack: Stack) -> None:
    (stack.folder / "own.py").write_text("VALUE = 'imported'\n")
    stack.write(
        "import own, pulumi\n"
        "config = pulumi.Config()\n"
        "pulumi.export('value', own.VALUE)\n"
        "pulumi.export('config', config.require('plain'))\n"
        "pulumi.export('secret', config.require_secret('hidden'))\n"
        "pulumi.export('known', [pulumi.runtime.is_config_secret(f'test:{key}') for key in ('plain', 'hidden')])\n"
        "pulumi.export('names', [pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization()])\n"
        "pulumi.export('root', pulumi.runtime.get_root_directory())\n"
    )
    stack.run("config", "set-all", "--plaintext=plain=visible", "--secret=hidden=secretive")
    up = stack.run("up", "--yes", "--color=never")
    assert "warning" not in up
    assert re.findall(r"secret *: (.+)", up) == ["[secret]", "[secret]"]  # of the preview and of the update
    assert json.loads(stack.run("stack", "output", "--json", "--show-secrets")) == {
        "value": "imported",
        "config": "visible",
        "secret": "secretive",
        "known": [False, True],
        "names": ["test", "dev", "organization"],
        "root": str(stack.folder),
    }


def test_exception_is_shown_as_the_programs_own_traceback(stack: Stack) -> None:
    stack.write("def fail():\n    raise ValueError('boom')\n\nfail()\n")
    assert stack.messages() == (
        "error: Program failed with an unhandled exception:\n"
        "Traceback (most recent call last):\n"
        f'  File "{stack.folder}/__main__.py", line 4, in <module>\n'
        "    fail()\n"
        f'  File "{stack.folder}/__main__.py", line 2, in fail\n'
        "    raise ValueError('boom')\n"
        "ValueError: boom"
    )


@pytest.mark.parametrize(
    ("program", "end"),
    [
        (
            "import pulumi\npulumi.Output.from_input(0).apply(lambda zero: 1 / zero)\n",
            "ZeroDivisionError: division by zero",
        ),
        ("import sys\nsys.exit(3)\n", "The program ended with exit code 3."),
    ],
    ids=["exception in an apply", "exit"],
)
def test_failed_program_is_reported(stack: Stack, program: str, end: str) -> None:
    stack.write(program)
    assert stack.messages().endswith(end)


def test_run_error_is_shown_as_one_line_after_printed_output(stack: Stack) -> None:
    stack.write(
        "import pulumi, sys\n"
        "print('to stdout')\n"
        "print('to stderr', file=sys.stderr)\n"
        "raise pulumi.RunError('the settings are wrong')\n"
    )
    assert set(stack.messages().split("\n\n")) == {"to stdout", "to stderr", "error: the settings are wrong"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_update_leaves_no_process(stack: Stack, number: signal.Signals) -> None:
    pids = stack.folder / "pids"
    stack.write(
        "import os, pathlib, time\n"
        f"file = pathlib.Path({str(pids)!r})\n"
        "file.with_suffix('.part').write_text(f'{os.getppid()} {os.getpid()}')\n"
        "file.with_suffix('.part').rename(file)\n"
        "while True:\n"
        "    try:\n"
        "        time.sleep(60)\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted')\n"
    )
    engine = stack.start("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not pids.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    processes = [int(pid) for pid in pids.read_text().split()]
    engine.send_signal(number)
    output, _ = engine.communicate(timeout=60)
    assert "Traceback" not in output
    while any(map(is_alive, processes)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
