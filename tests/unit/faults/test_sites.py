"""Sites side by side, without a cluster: no case is forgotten, and no site is left."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.faults import sites
from tests.faults.case import Case, Result


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Gives cases of these names in place of the real ones, and their places."""

    def set_cases(*names: str) -> list[int]:
        monkeypatch.setattr(sites, "CASES", [Case(name, lambda _: "") for name in names])
        return list(range(len(names)))

    return set_cases


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where each site notes that it was made, and that it is gone; `broken` cases are not healed by any."""

    @contextmanager
    def site(folder: Path) -> Generator[Path]:
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            (folder / "gone").touch()

    def run(case: Case, broken: Path, _: object) -> Result:
        if case.name == "raises":
            raise LookupError
        if case.name == "lasts":
            (broken / "lasts").touch()
            time.sleep(60)
        if case.name == "dies":
            os._exit(1)
        return Result(case.name, "", "up", 0, unhealed=["it"] if case.name == "broken" else [])

    monkeypatch.setattr(sites, "site", site)
    monkeypatch.setattr(sites, "run", run)
    monkeypatch.setattr(sites, "Judge", lambda: SimpleNamespace(learn=lambda _: None))
    return tmp_path


def made(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*/site-*"))
    assert all((site / "gone").exists() for site in found)
    return found


@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_case_is_run_once(folder: Path, cases: Callable[..., list[int]], number: int) -> None:
    places = cases("a", "b", "c", "d", "e")

    results = list(sites.run_all(places, number, folder))

    assert sorted(result.name for result in results) == ["a", "b", "c", "d", "e"]
    assert 1 <= len(made(folder)) <= number


def test_the_chosen_cases_alone_are_run(folder: Path, cases: Callable[..., list[int]]) -> None:
    cases("a", "b", "c")

    assert [result.name for result in sites.run_all([1], 2, folder)] == ["b"]


def test_what_was_not_healed_costs_its_site_alone(folder: Path, cases: Callable[..., list[int]]) -> None:
    results = list(sites.run_all(cases("a", "broken", "raises", "b"), 1, folder))

    assert [(result.name, result.is_good) for result in results] == [
        *(("a", True), ("broken", False), ("raises", False), ("b", True)),
    ]
    assert "LookupError" in results[2].unhealed[0]
    assert [site.name for site in made(folder)] == ["site-1", "site-2", "site-3"]


def test_a_site_that_dies_takes_no_other_case_along(folder: Path, cases: Callable[..., list[int]]) -> None:
    results = list(sites.run_all(cases("dies", "a", "b", "c"), 2, folder))

    assert sorted(result.name for result in results) == ["a", "b", "c"]


def test_to_end_early_leaves_no_site(folder: Path, cases: Callable[..., list[int]]) -> None:
    results = sites.run_all(cases("a", "lasts", "lasts"), 2, folder)
    next(results)
    while len(list(folder.glob("*/*/lasts"))) < 2:
        time.sleep(0.01)

    begun = time.monotonic()
    results.close()

    assert time.monotonic() - begun < 10
    assert len(made(folder)) == 2
