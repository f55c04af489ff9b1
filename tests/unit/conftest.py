import gc
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.support import example, oci_api
from tests.support.api_server import ApiServer
from tests.support.engine import Engine
from tests.support.pulumi_command import PulumiCommand
from tests.support.running_app import RunningApp


# The providers' SDKs stay until the end, and looking for garbage among them takes a sixth of the tests' time.
def pytest_collection() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody is trusted but 127.0.0.1: each client would else read all authorities of the web, for 20 ms."""
    file = tmp_path_factory.mktemp("authorities") / "certificate.pem"
    file.write_bytes(oci_api.certificate())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


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


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api_server: ApiServer) -> RunningApp:
    """An app that runs as its stack's outputs say."""
    for name in ("DELIVERY_KUBECONFIG", "CI", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    return RunningApp(PulumiCommand(tmp_path / "engine", monkeypatch), api_server)
