"""A part of the devstack: awaited until it is ready, and gone afterwards; what keeps it from starting is shown."""

from pathlib import Path

import pytest

from tests.support.toolchain.processes import is_alive
from tools.devstack import daprd, kafka, process
from tools.devstack.process import ProcessError, running


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_START_SECONDS", 0.3)
    monkeypatch.setattr(process, "_STOP_SECONDS", 0.3)


def test_it_is_used_when_it_is_ready_and_gone_afterwards(tmp_path: Path, log: Path) -> None:
    ready = tmp_path / "ready"
    with running("part", shell(f"echo $$; sleep 0.2; touch {ready}; exec sleep 60"), log, ready.exists):
        assert ready.exists()
        pid = int(log.read_text())
        assert is_alive(pid)
    assert not is_alive(pid)


def test_it_may_end_in_its_own_way(log: Path) -> None:
    script = "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.05; done"
    with running("part", shell(script), log, lambda: "ready" in log.read_text()):
        pass
    assert log.read_text() == "ready\nbye\n"


def test_it_is_gone_when_its_user_fails(log: Path) -> None:
    with (
        pytest.raises(KeyError),
        running("part", shell("echo $$; exec sleep 60"), log, lambda: log.read_text().endswith("\n")),
    ):
        raise KeyError
    assert not is_alive(int(log.read_text()))


def test_the_end_of_its_log_says_why_it_ended(log: Path) -> None:
    with (
        pytest.raises(ProcessError) as error,
        running("part", shell("seq 100; echo 'no such broker' >&2; exit 3"), log, lambda: False),
    ):
        pass
    lines = str(error.value).splitlines()
    assert lines[0] == f"part ended with exit code 3 at its start ({log}):"
    assert lines[-2:] == ["100", "no such broker"]
    assert len(lines) == 16


@pytest.mark.usefixtures("impatient")
def test_what_does_not_become_ready_is_ended_whatever_it_does(log: Path) -> None:
    with (
        pytest.raises(ProcessError, match=r"^part is not ready after 0\.3 s \(.*\):\n\d+\nI am still waiting$"),
        running(
            "part", shell("trap '' TERM; echo $$; echo I am still waiting; while :; do sleep 0.1; done"), log, never
        ),
    ):
        pass
    assert not is_alive(int(log.read_text().split()[0]))


def never() -> bool:
    return False


def test_what_is_not_provided_is_named_with_what_provides_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "_JARS", tmp_path / "kafka")
    monkeypatch.setattr(daprd, "_PROGRAM", tmp_path / "daprd")
    command = "run `python3 tools/bootstrap.py app-tests`"
    with pytest.raises(ProcessError, match=command), kafka.kafka(tmp_path / "data", "user", "password"):
        pass
    with pytest.raises(ProcessError, match=command), daprd.daprd(tmp_path, "app", None, tmp_path / "log"):
        pass
