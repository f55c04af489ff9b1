import json
import shutil

import pytest

from delivery.engine.stack_config import StackConfig
from delivery.setup.workflows import prepare_workflows
from system.errors import UserError
from tests.support import example, oci_api
from tests.support.github_api import REPOSITORY
from tests.support.machine import SECRETS, Machine
from tests.support.terminal import Scripted


@pytest.fixture
def machine(machine: Machine) -> Machine:
    """A machine whose repository has nothing yet."""
    shutil.rmtree(machine.github.kept)
    return machine


def config(**values: str) -> StackConfig:
    return StackConfig({**example.CONFIG, "repository": REPOSITORY, **values}, frozenset())


def test_commands_are_printed_without_gh(machine: Machine) -> None:
    machine.commands["gh"].does('test "$1" != auth')
    terminal = Scripted()
    backend = "s3://bucket?endpoint=https://s3.example.com"

    prepare_workflows(
        machine.session(terminal, PULUMI_BACKEND_URL=backend), config(clusterOcid=oci_api.CLUSTER, region="r")
    )

    assert terminal.questions == []
    for environment in ("production", "preview"):
        for name in (*SECRETS, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            assert f"    gh secret set {name} --env {environment} --repo {REPOSITORY}" in terminal.text
    assert f"    gh variable set PULUMI_BACKEND_URL --repo {REPOSITORY} --body '{backend}'" in terminal.text


def test_existing_environment_keeps_its_rules_and_secrets(machine: Machine) -> None:
    kept = machine.github.kept
    for environment in ("production", "preview"):
        (kept / environment).mkdir(parents=True)
    (kept / "production" / "DELIVERY_GITHUB_TOKEN").write_text("known")

    prepare_workflows(machine.session(Scripted({"Write ": ["y"]})), config())

    assert not [call for call in machine.commands["gh"].calls if "PUT" in call]
    assert (kept / "production" / "DELIVERY_GITHUB_TOKEN").read_text() == "known"
    assert (kept / "preview" / "PULUMI_CONFIG_PASSPHRASE").read_text() == "local"
    assert not (kept / "preview" / "OCI_CLI_USER").exists()


def test_new_production_environment_admits_no_branch_yet(machine: Machine) -> None:
    machine.commands["gh"].does(
        f"""case "$1 $2" in "api --method") cat > "{machine.folder}/$(basename "$4")" ;; "api "*) exit 1 ;; esac"""
    )

    prepare_workflows(machine.session(Scripted({"Write ": ["y"]})), config())

    production, preview = (json.loads((machine.folder / name).read_text()) for name in ("production", "preview"))
    assert production["deployment_branch_policy"] == {"protected_branches": False, "custom_branch_policies": True}
    assert preview == {}


def test_session_token_of_oci_is_not_written(machine: Machine) -> None:
    oci_api.write_config(machine.folder, DEFAULT={"security_token_file": "~/.oci/token", "key_file": "~/.oci/key.pem"})
    machine.patch.setenv("OCI_CLI_AUTH", "security_token")
    machine.patch.setenv("OCI_CLI_REGION", oci_api.REGION)
    terminal = Scripted({"Write ": ["y"]})

    prepare_workflows(machine.session(terminal), config(clusterOcid=oci_api.CLUSTER))

    assert "Skipped OCI_CLI_KEY_CONTENT" in terminal.text
    assert not (machine.github.kept / "production" / "OCI_CLI_KEY_CONTENT").exists()


def test_refusal_of_gh_is_reported_without_the_secret(machine: Machine) -> None:
    machine.commands["gh"].does('case "$1" in secret) echo "no: $(cat)" >&2; exit 1 ;; esac')

    with pytest.raises(UserError, match=r"no: \[hidden\]") as raised:
        prepare_workflows(machine.session(Scripted({"Write ": ["y"]})), config())

    assert raised.value.hint == "gh auth status"


def test_nothing_is_written_without_a_repository(machine: Machine) -> None:
    terminal = Scripted()

    prepare_workflows(machine.session(terminal), StackConfig(example.CONFIG, frozenset()))

    assert terminal.text == ""
