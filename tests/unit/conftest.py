import gc
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from . import example
from .api_server import ApiServer
from .engine import Engine


def pytest_collection_finish() -> None:
    # The providers' SDKs stay until the end, and looking for garbage among them takes a sixth of the tests' time.
    gc.freeze()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def api_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ApiServer()
    with server.serve():
        yield server


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The settings of the example; the working folder, and home, has the files that they name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("kubeconfig").write_text(yaml.safe_dump(example.kubeconfig()))
    Path("values.yaml").write_text("backend:\n  replicas: 2\n")
    Path("infra").symlink_to(example.PROJECT_FOLDER / "infra")
    return example.CONFIG
