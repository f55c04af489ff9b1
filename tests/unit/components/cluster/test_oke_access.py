import json
import subprocess
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pulumi
import pulumi_oci
import pytest
import yaml

from components.cluster.existing import identify
from components.cluster.oke_access import locate, oke_kubeconfig
from kube import kubeconfig
from system.errors import UserError
from tests.support import example, oci_api
from tests.support.oci_api import CLUSTER, REGION, Oracle
from tests.support.oci_mocks import OciEngine


@pytest.fixture
def oci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Oracle]:
    """OCI and one of its clusters, for a user whose working folder is the project's."""
    for name in ("OCI_CLI_PROFILE", "OCI_CLI_AUTH", "OCI_CLI_CONFIG_FILE", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(example.PROJECT_FOLDER)
    oci_api.write_config(tmp_path)
    oci_api.write_certificate(tmp_path / "certificate.pem")
    server = Oracle(tmp_path / "certificate.pem")
    with server.serve():
        yield server


@pytest.fixture
def api_key(oci: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials of a user and the address of the API, in the environment."""
    monkeypatch.setenv("SSL_CERT_FILE", str(oci.certificate))
    monkeypatch.setenv("OCI_CLI_ENDPOINT", oci.endpoint)
    monkeypatch.setenv("OCI_CLI_USER", oci_api.USER)
    monkeypatch.setenv("OCI_CLI_TENANCY", oci_api.TENANCY)
    monkeypatch.setenv("OCI_CLI_FINGERPRINT", oci_api.FINGERPRINT)
    monkeypatch.setenv("OCI_CLI_KEY_CONTENT", oci_api.pem())


def declared_kubeconfig(engine: OciEngine, server: Oracle) -> str:
    content = server.kubeconfig()
    content["users"][0]["user"] = {"token": "canary"}
    engine.data["getClusterKubeConfig"] = {"content": yaml.safe_dump(content)}

    def program() -> None:
        opts = pulumi.InvokeOutputOptions(provider=pulumi_oci.Provider("oci", region=REGION))
        pulumi.export("kubeconfig", oke_kubeconfig(CLUSTER, REGION, opts))

    engine.deploy(program)
    return engine.exports["kubeconfig"]


def test_kubectl_and_the_program_reach_the_cluster(oci: Oracle, tmp_path: Path) -> None:
    content = declared_kubeconfig(OciEngine(), oci)
    path = tmp_path / "elsewhere.yaml"
    path.write_text(content)

    done = subprocess.run(
        [example.PROJECT_FOLDER / ".tools/bin/kubectl", "--kubeconfig", path, "get", "--raw", "/api/v1/namespaces"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    identity = identify(kubeconfig.read(content), named=None, stack="oke")

    assert done.stderr == ""
    assert json.loads(done.stdout)["items"][0]["metadata"]["uid"] == identity.uid == "uid-of-the-cluster"
    assert oci.users == [oci_api.KEY_ID] * 2


def test_the_kubeconfig_holds_the_cluster_and_no_credentials(oci: Oracle) -> None:
    engine = OciEngine()

    content = declared_kubeconfig(engine, oci)

    document = yaml.safe_load(content)
    assert document["clusters"][0]["cluster"] == oci.kubeconfig()["clusters"][0]["cluster"]
    assert document["users"][0]["user"].keys() == {"exec"}
    assert example.CANARY not in content
    assert str(example.PROJECT_FOLDER) not in content  # the same on every machine
    assert engine.asked["getClusterKubeConfig"]["endpoint"] == "PUBLIC_ENDPOINT"
    assert engine.asked_through["getClusterKubeConfig"] == "oci"


@pytest.mark.usefixtures("api_key")
def test_an_existing_cluster_has_the_same_kubeconfig(oci: Oracle) -> None:
    found = locate(CLUSTER, REGION)

    assert found.source == declared_kubeconfig(OciEngine(), oci)
    assert found.server == oci.url


@pytest.mark.usefixtures("api_key")
def test_an_unknown_cluster_is_reported(oci: Oracle) -> None:
    oci.answer = (HTTPStatus.NOT_FOUND, b"{}")

    with pytest.raises(UserError, match=CLUSTER):
        locate(CLUSTER, REGION)
