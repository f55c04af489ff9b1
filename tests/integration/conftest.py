"""One embedded cluster and one stack for all integration tests; each test leaves the stack as it found it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.embedded import embedded_cluster
from tests.integration.project import Project, make_project


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
    """The stack as Pulumi.local.yaml describes it, up; whatever a test sets is set back after it."""
    settings = project.folder / "Pulumi.local.yaml"
    kept = settings.with_suffix(".kept")
    shutil.copy(settings, kept)
    project.up()
    yield project
    shutil.move(kept, settings)
