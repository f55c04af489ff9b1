"""`make up`, `preview` and `down`, in a checkout of their own."""

import os
import re
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
def temporary(tmp_path: Path) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def other_cluster(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of a cluster with nothing on it."""
    with embedded_cluster(tmp_path / "other") as kubeconfig:
        yield kubeconfig


@pytest.fixture
def make(checkout: Path, temporary: Path) -> Make:
    def run(*arguments: str, **environment: str) -> str:
        # The toolchain belongs to another checkout.
        done = subprocess.run(
            ["make", "--assume-old=tools", *arguments],
            cwd=checkout,
            env=os.environ | {"TMPDIR": str(temporary)} | environment,
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
    """Return the files that git would see, with their content."""
    ignored = (".tools", ".venv", ".local", "__pycache__")
    return {
        str(path.relative_to(checkout)): path.read_text()
        for path in checkout.rglob("*")
        if path.is_file() and not any(part in ignored for part in path.relative_to(checkout).parts)
    }


def count(printed: str, operation: str) -> int:
    """Return the number of resources in Pulumi's summary."""
    return int(re.findall(rf"(\d+) {operation}", printed)[-1])


def processes_of(checkout: Path) -> list[str]:
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(checkout) in line]


def test_down_removes_everything_that_up_made(make: Make, checkout: Path, temporary: Path) -> None:
    before = files(checkout)

    created = count(make("up"), "created")
    assert processes_of(checkout)
    assert count(make("up"), "unchanged") == created
    assert count(make("preview"), "unchanged") == created
    make("down")

    assert processes_of(checkout) == []
    assert not (checkout / ".local").exists()
    assert list(temporary.iterdir()) == []
    assert files(checkout) == before


def test_another_cluster_is_chosen_by_a_variable(make: Make, checkout: Path, other_cluster: Path) -> None:
    before = files(checkout)
    here = {"KUBECONFIG": str(other_cluster), "KUBECONTEXT": "kwok-embedded"}

    created = count(make("up", **here), "created")
    assert count(make("up", **here), "unchanged") == created
    assert count(make("down", **here), "deleted") == created

    assert not (checkout / ".local").exists()
    assert files(checkout) == before
