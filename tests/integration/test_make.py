"""The README's two commands and their way back, in a checkout of their own."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.embedded import embedded_cluster
from tests.support.project import copy_project

pytestmark = pytest.mark.integration

Make: TypeAlias = Callable[..., str]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    copy_project(folder)
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of a cluster with nothing on it."""
    with embedded_cluster(tmp_path / "another") as kubeconfig:
        yield kubeconfig


@pytest.fixture
def make(checkout: Path, elsewhere: Path) -> Make:
    def run(*arguments: str, **environment: str) -> str:
        # The toolchain is there, and it is not this checkout's to change.
        done = subprocess.run(
            ["make", "--assume-old=tools", *arguments],
            cwd=checkout,
            env=os.environ | {"TMPDIR": str(elsewhere)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


def files(checkout: Path) -> dict[str, str]:
    """What git would see, with its content."""
    ignored = (".tools", ".venv", ".local", "__pycache__")
    return {
        str(path.relative_to(checkout)): path.read_text()
        for path in checkout.rglob("*")
        if path.is_file() and not any(part in ignored for part in path.relative_to(checkout).parts)
    }


def processes_of(checkout: Path) -> list[str]:
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(checkout) in line]


def test_up_and_up_again_and_down_leave_nothing_behind(make: Make, checkout: Path, elsewhere: Path) -> None:
    before = files(checkout)

    assert "31 created" in make("up")
    assert processes_of(checkout)
    assert "31 unchanged" in make("up")
    assert "31 unchanged" in make("preview")
    make("down")

    assert processes_of(checkout) == []
    assert not (checkout / ".local").exists()
    assert list(elsewhere.iterdir()) == []
    assert files(checkout) == before


def test_another_cluster_is_one_variable_away(make: Make, checkout: Path, another: Path) -> None:
    before = files(checkout)
    here = {"KUBECONFIG": str(another), "KUBECONTEXT": "kwok-embedded"}

    assert "31 created" in make("up", **here)
    assert "31 unchanged" in make("up", **here)
    assert "31 deleted" in make("down", **here)

    assert not (checkout / ".local").exists()
    assert files(checkout) == before
