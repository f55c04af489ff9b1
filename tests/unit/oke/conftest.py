import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import oci_api
from tests.support.oci_api import Oracle


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, which is the working folder too, and an environment without OCI's variables."""
    for name in [name for name in os.environ if name.startswith("OCI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def oci(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Oracle]:
    """OCI, and a user with the credentials for it."""
    oci_api.write_config(home, session={"security_token_file": "~/.oci/token"})
    certificate = home / "certificate.pem"
    oci_api.write_certificate(certificate)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = Oracle(certificate)
    with server.serve():
        monkeypatch.setenv("OCI_CLI_ENDPOINT", server.endpoint)
        yield server
