"""One embedded cluster and one stack for all integration tests. Each test restores the stack."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.embedded import embedded_cluster
from tests.support.project import Project, make_project

# Each process of pytest takes whole files, so the longest ones start first.
LONGEST = ("test_rollback.py", "test_delivery.py", "test_oke.py", "test_up.py", "test_recover.py", "test_doubles.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the engine a home of its own, with the user's plug-ins.

    A file stands in place of its folder of logs, which take a sixth of each command's time.
    """
    home = tmp_path_factory.mktemp("home")
    (home / "logs").touch()
    users = os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi"
    (home / "plugins").symlink_to(Path(users) / "plugins")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_HOME", str(home))
        yield


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of an embedded cluster with nothing on it."""
    with embedded_cluster(tmp_path_factory.mktemp("embedded") / "cluster") as kubeconfig:
        yield kubeconfig


@pytest.fixture(scope="session")
def project(cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with nothing deployed yet."""
    return make_project(tmp_path_factory.mktemp("copy") / "project", cluster)


@pytest.fixture
def deployed(project: Project) -> Iterator[Project]:
    """The deployed stack of Pulumi.local.yaml. Settings are restored after the test."""
    settings = project.folder / "Pulumi.local.yaml"
    kept = settings.with_suffix(".kept")
    shutil.copy(settings, kept)
    if project.deployed != project.digest():
        project.up()
    yield project
    shutil.move(kept, settings)
