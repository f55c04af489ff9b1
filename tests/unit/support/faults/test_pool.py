import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.faults.case import Case, Result
from tests.support.faults.pool import run_all

TIMEOUT = 60


@contextmanager
def runner(folder: Path) -> Generator[Callable[[Case], Result]]:
    """A sandbox without a cluster, which marks its end; some cases misbehave by name."""

    def run(case: Case) -> Result:
        match case.name:
            case "raises":
                raise LookupError
            case "lasts":
                (folder / "lasts").touch()
                time.sleep(2 * TIMEOUT)
            case "dies":
                os._exit(1)
            case _:
                pass
        return Result(case.name, "", "up", 0, unhealed=["it"] if case.name == "broken" else [])

    folder.mkdir(parents=True)
    try:
        yield run
    finally:
        (folder / "removed").touch()


def start(folder: Path, processes: int, *names: str) -> Generator[Result]:
    return run_all([Case(name, lambda _: "") for name in names], processes, folder, runner)


def sandboxes(folder: Path) -> list[str]:
    """The names of all sandboxes, which must be removed."""
    found = sorted(folder.glob("*/sandbox-*"))
    assert all((sandbox / "removed").exists() for sandbox in found)
    return [sandbox.name for sandbox in found]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_case_runs_once(tmp_path: Path, processes: int) -> None:
    results = [*start(tmp_path, processes, "a", "b", "c", "d", "e")]

    assert sorted(result.name for result in results) == ["a", "b", "c", "d", "e"]
    assert 1 <= len(sandboxes(tmp_path)) <= processes


def test_an_unhealed_case_costs_only_its_sandbox(tmp_path: Path) -> None:
    results = [*start(tmp_path, 1, "a", "broken", "raises", "b")]

    assert {result.name: result.is_good for result in results} == {
        "a": True,
        "broken": False,
        "raises": False,
        "b": True,
    }
    assert "LookupError" in results[2].unhealed[0]
    assert sandboxes(tmp_path) == ["sandbox-1", "sandbox-2", "sandbox-3"]


def test_a_dead_process_loses_no_other_case(tmp_path: Path) -> None:
    results = [*start(tmp_path, 2, "dies", "a", "b", "c")]

    assert sorted(result.name for result in results) == ["a", "b", "c"]


def test_an_early_end_removes_every_sandbox(tmp_path: Path) -> None:
    results = start(tmp_path, 2, "a", "lasts", "lasts")
    next(results)
    started = time.monotonic()
    while len([*tmp_path.glob("*/*/lasts")]) < 2:
        assert time.monotonic() - started < TIMEOUT
        time.sleep(0.01)

    results.close()

    assert time.monotonic() - started < TIMEOUT
    assert len(sandboxes(tmp_path)) == 2
