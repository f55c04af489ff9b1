import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from lightkube.resources.core_v1 import Namespace

from kube import kubeconfig
from oke.kubeconfig import Access, create
from system.errors import UserError
from tests.support import example, oci_api
from tests.support.oci_api import CLUSTER, KEY_ID, PASS_PHRASE, REGION, SESSION_TOKEN, Oracle

PATH = os.pathsep.join([str(example.PROJECT_FOLDER / ".tools" / "bin"), os.environ["PATH"]])
KUBECTL = shutil.which("kubectl", path=PATH) or "kubectl"


def write(access: Access, endpoint: Literal["public", "private"] = "public") -> Path:
    path = Path("oke.yaml")
    path.write_text(create(access, endpoint, datetime.now(UTC)))
    return path


def namespaces(path: Path) -> list[str | None]:
    return [space.metadata and space.metadata.uid for space in kubeconfig.read(str(path), "").client().list(Namespace)]


@pytest.mark.parametrize(
    ("access", "user"),
    [
        (Access(CLUSTER), KEY_ID),
        (Access(CLUSTER, profile="session", auth="security_token"), f"ST${SESSION_TOKEN}"),
    ],
)
def test_kubectl_and_lightkube_reach_the_cluster(oci: Oracle, access: Access, user: str) -> None:
    path = write(access)

    command = [KUBECTL, "--kubeconfig", path, "get", "--raw", "/api/v1/namespaces"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert [item["metadata"]["uid"] for item in json.loads(listed.stdout)["items"]] == namespaces(path)
    assert oci.users == [user] * 2


def test_kubeconfig_is_ocis_with_another_plugin(home: Path, oci: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    oci_api.write_config(home, encrypted={"key_file": "~/.oci/encrypted.pem"})
    monkeypatch.setenv("OCI_CLI_PASSPHRASE", PASS_PHRASE)

    content = write(Access(CLUSTER, profile="encrypted")).read_text()

    written, expected = yaml.safe_load(content), oci.kubeconfig()
    plugin = written["users"][0]["user"].pop("exec")
    del expected["users"][0]["user"]["exec"]
    assert written == expected
    assert plugin["args"][-7:] == ["oke-token", "--cluster", CLUSTER, "--region", REGION, "--profile", "encrypted"]
    assert example.CANARY not in content


def test_endpoint_is_chosen(oci: Oracle) -> None:
    write(Access(CLUSTER), "public")
    write(Access(CLUSTER), "private")

    assert [request["endpoint"] for request in oci.asked] == ["PUBLIC_ENDPOINT", "PRIVATE_ENDPOINT"]


def test_plugin_imports_nothing_from_the_working_folder(home: Path, oci: Oracle) -> None:
    path = write(Access(CLUSTER))
    Path("json.py").write_text("raise SystemExit('hijacked')")
    (home / "delivery").mkdir()
    (home / "delivery/__main__.py").write_text("raise SystemExit('hijacked')")

    assert namespaces(path)
    assert oci.users == [KEY_ID]


def test_api_of_the_region_is_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oci_api.write_config(home)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # so that nothing leaves this machine

    with pytest.raises(UserError, match=r"https://containerengine\.uk-london-1\.oci\.oraclecloud\.com/20180222"):
        create(Access(CLUSTER, region="uk-london-1"), "public", datetime.now(UTC))


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (HTTPStatus.NOT_FOUND, {"message": "x"}, f"no cluster {CLUSTER} in {REGION}"),
        (HTTPStatus.FORBIDDEN, {"message": "x"}, "use clusters"),
        (HTTPStatus.BAD_REQUEST, {"message": "The cluster has no public endpoint"}, "no public endpoint"),
        (HTTPStatus.BAD_GATEWAY, "<html>", "502.*Bad Gateway"),
        (HTTPStatus.BAD_GATEWAY, {}, "502.*Bad Gateway"),
        (HTTPStatus.OK, "a: [", "not a kubeconfig"),
        (HTTPStatus.OK, {}, "not a kubeconfig"),
    ],
)
def test_response_without_a_kubeconfig_is_reported(oci: Oracle, status: HTTPStatus, body: Any, reason: str) -> None:
    oci.answer = (status, (body if isinstance(body, str) else json.dumps(body)).encode())

    with pytest.raises(UserError, match=reason):
        create(Access(CLUSTER), "public", datetime.now(UTC))
