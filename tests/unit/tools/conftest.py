from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.toolchain.project import Project, make_project
from tests.support.toolchain.publisher import Publisher, serving
from tools.toolchain import venv
from tools.toolchain.cache import Cache


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with serving() as publisher:
        yield publisher


@pytest.fixture(scope="session")
def empty_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of a project that locks no packages; it takes seconds, so all of pytest's processes share one."""
    root = tmp_path_factory.getbasetemp().parent / "empty-venv"
    root.mkdir(exist_ok=True)
    for lock in venv.REQUIREMENTS:
        (root / lock).touch()
    with Cache(root).locked(print):
        venv.provide(root, print)
    return root / ".venv"


@pytest.fixture
def project(tmp_path: Path, publisher: Publisher, empty_venv: Path) -> Project:
    """A project with a working Go, and a publisher that serves nothing yet."""
    project = make_project(tmp_path, publisher.address, empty_venv)
    project.go.install()
    return project
