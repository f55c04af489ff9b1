import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support import oci_api
from tests.support.command_line import Delivery
from tests.support.oci_api import CLUSTER, KEY_ID


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("OCI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    oci_api.write_config(tmp_path)
    return tmp_path


def test_oke_token_prints_a_token_for_the_options(delivery: Delivery) -> None:
    options = ["--cluster", CLUSTER, "--region", "uk-london-1", "--profile", "DEFAULT", "--auth", "api_key"]

    token = json.loads(delivery("oke-token", *options)[0])["status"]["token"]

    assert oci_api.user_of(token, cluster=CLUSTER, region="uk-london-1", now=datetime.now(UTC)) == KEY_ID


@pytest.mark.parametrize("command", ["oke-token", "kubeconfig"])
@pytest.mark.parametrize("ocid", ["my-cluster", f"{CLUSTER}/x"])
def test_text_that_is_no_ocid_is_reported(delivery: Delivery, command: str, ocid: str) -> None:
    printed, error = delivery(command, "--cluster", ocid, code=1)

    assert error.startswith(f"error: '{ocid}' ")
    assert printed == ""


@pytest.mark.parametrize("command", ["oke-token", "kubeconfig"])
def test_error_is_printed_with_its_hint(home: Path, delivery: Delivery, command: str) -> None:
    (home / ".oci/key.pem").unlink()

    printed, error = delivery(command, "--cluster", CLUSTER, code=1)

    assert error.startswith(f"error: {home}/.oci/key.pem")
    assert error.endswith("\nhint: export OCI_CLI_KEY_FILE=PATH\n")
    assert printed == ""
