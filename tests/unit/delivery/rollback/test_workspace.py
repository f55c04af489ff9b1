"""A rollback in full: the earlier commit's own program, chart and settings, in a worktree that is gone afterwards."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.__main__ import main
from delivery.engine import stack
from delivery.rollback import destructive
from system.errors import UserError
from tests.support.checkout import Checkout
from tests.support.pulumi_command import PulumiCommand, step, update, with_secrets

VALUES = "values.yaml"
CANARY = "canary-password"
IMAGES = {"frontendImage": "r.example/f:v1", "backendImage": "r.example/b:v1"}
WORKTREE = Path(".local/rollback/checkout")
# As that commit has it: it notes what it could see, and brings an engine, which is not to be asked.
BOOTSTRAP = """\
import os, pathlib
print("installing")
pathlib.Path("provided").write_text("\\n".join(os.environ))
engine = pathlib.Path(".tools/bin/pulumi")
engine.parent.mkdir(parents=True)
engine.write_text("#!/bin/sh\\nexit 7")
engine.chmod(0o755)
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    checkout = Checkout(tmp_path / "project", monkeypatch)
    for name in (".tools", ".local"):
        Path(name).mkdir()
    Path(".local/kubeconfig").write_text("a kubeconfig")
    config = {
        "todo-oke:kubeconfig": ".local/another",
        "todo-oke:nodeCount": "5",
        "todo-oke:kafkaPassword": {"secure": "v1:today"},
        "todo-oke:registryToken": {"secure": "v1:of a setting that is newer"},
    }
    Path("Pulumi.oke.yaml").write_text(yaml.safe_dump({"config": config, "encryptionsalt": "v1:salt"}))
    return checkout


@pytest.fixture
def commits(checkout: Checkout) -> list[str]:
    declared = {key: {"type": "string"} for key in ("kubeconfig", "nodeCount", "kafkaPassword")}
    first = {
        ".gitignore": ".local/\n.tools/\n",
        "Pulumi.yaml": yaml.safe_dump({"config": declared}),
        "tools/bootstrap.py": BOOTSTRAP,
        VALUES: "replicas: 1\n",
        "__main__.py": "first",
    }
    return [checkout.commit(first), checkout.commit({"__main__.py": "second", VALUES: "replicas: 2\n"})]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: list[str]) -> PulumiCommand:
    """A stack with an update for each commit; the second is current."""
    pulumi = PulumiCommand(tmp_path / "engine", monkeypatch)
    pulumi.previews(step("update", "kubernetes:helm.sh/v3:Release", "todo-app"))
    pulumi.made(*(made(commit) for commit in commits))
    pulumi.has_secrets(kafkaPassword=f"{CANARY}-2", registryToken="new")
    return pulumi


def made(commit: str, **settings: str) -> dict[str, Any]:
    every = {"valuesFile": VALUES, "kubeconfig": ".local/kubeconfig", "nodeCount": "2", **IMAGES, **settings}
    return with_secrets(update(commit, imageSource="pinned", **every), kafkaPassword=CANARY)


def applied(pulumi: PulumiCommand) -> Mapping[str, Any]:
    return yaml.safe_load((pulumi.seen / "Pulumi.oke.yaml").read_text())


def worktrees() -> list[str]:
    return subprocess.run(["git", "worktree", "list"], capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_earlier_program_runs_with_its_own_settings(
    commits: list[str], pulumi: PulumiCommand, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "the passphrase")
    before = Path("Pulumi.oke.yaml").read_text()

    assert main(["rollback", "--yes", "--full"]) == 0

    seen = pulumi.seen / "checkout"
    assert (seen / "__main__.py").read_text() == "first"
    assert (seen / VALUES).read_text() == "replicas: 1\n"
    assert (seen / ".local/kubeconfig").read_text() == "a kubeconfig"
    assert "PULUMI_CONFIG_PASSPHRASE" not in (seen / "provided").read_text()
    assert applied(pulumi) == {
        "config": {
            "todo-oke:valuesFile": VALUES,
            "todo-oke:kubeconfig": ".local/kubeconfig",
            "todo-oke:nodeCount": "2",
            "todo-oke:imageSource": "pinned",
            "todo-oke:imageScan": "",
            "todo-oke:kafkaPassword": {"secure": "v1:today"},
            **{f"todo-oke:{key}": image for key, image in IMAGES.items()},
        },
        "encryptionsalt": "v1:salt",
    }
    settings, worktree = Path.cwd() / ".local/rollback/Pulumi.oke.yaml", Path.cwd() / WORKTREE
    assert pulumi.updated == [
        f"up --config-file {settings} --message roll back in full to update 1 (commit {commits[0][:7]}) from update 2 "
        f"--stack oke --yes --skip-preview --non-interactive --cwd {worktree}"
    ]
    assert pulumi.path[:2] == [f"{worktree}/.tools/bin", f"{worktree}/.venv/bin"]
    told = capfd.readouterr().out
    assert told.startswith("back in full to update 1 of stack oke from update 2\n")
    assert f"ok    commit {commits[0][:7]} is in this checkout: its program, its chart and its settings are" in told
    assert "note  kafkaPassword was changed since, and stays as it is today\n" in told
    assert f"      checking out commit {commits[0][:7]} beside this checkout" in told
    assert "installing\n" in told
    assert Path("Pulumi.oke.yaml").read_text() == before
    assert not Path(".local/rollback").exists()
    assert len(worktrees()) == 1


def test_its_secrets_too_where_that_is_asked_for(pulumi: PulumiCommand) -> None:
    assert main(["rollback", "--yes", "--full", "--with-secrets"]) == 0

    assert pulumi.secrets_set == [f"kafkaPassword={CANARY}"]
    assert "todo-oke:registryToken" not in applied(pulumi)["config"]


def test_what_was_secret_then_and_is_plain_today_stays_as_it_is_today(
    commits: list[str], pulumi: PulumiCommand
) -> None:
    settings = {"imageSource": "pinned", "valuesFile": VALUES, **IMAGES}
    pulumi.made(with_secrets(update(commits[0], **settings), kubeconfig=CANARY), made(commits[1]))

    assert main(["rollback", "--yes", "--full"]) == 0

    assert applied(pulumi)["config"]["todo-oke:kubeconfig"] == ".local/another"


def test_a_rollback_of_the_app_is_gone_back_to_with_its_program_and_the_values_that_it_had(
    commits: list[str], pulumi: PulumiCommand
) -> None:
    values = f".local/rollback/{commits[0]}/{VALUES}"
    pulumi.made(made(commits[1], valuesFile=values), made(commits[1]))

    assert main(["rollback", "--yes", "--full"]) == 0

    assert (pulumi.seen / "checkout/__main__.py").read_text() == "second"
    assert (pulumi.seen / "checkout" / values).read_text() == "replicas: 1\n"
    assert applied(pulumi)["config"]["todo-oke:valuesFile"] == values
    assert f"(commit {commits[1][:7]})" in pulumi.updated[0]


def test_where_pulumi_installed_this_checkout_it_installs_the_other(pulumi: PulumiCommand) -> None:
    Path(".tools").rmdir()

    assert main(["rollback", "--yes", "--full"]) == 0

    assert pulumi.installed == Path.cwd() / WORKTREE
    assert not (pulumi.seen / "checkout/provided").exists()


def test_packages_that_cannot_be_had_change_nothing(pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".tools").rmdir()
    pulumi.exits("installing", 1)

    assert main(["rollback", "--yes", "--full"]) == 1

    assert "The packages of that commit could not be installed, and nothing was changed" in capsys.readouterr().err
    assert not any(call.startswith(("preview", "up")) for call in pulumi.calls)
    assert len(worktrees()) == 1


def test_a_commit_from_before_the_toolchain(
    checkout: Checkout, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("tools/bootstrap.py").unlink()
    old = checkout.commit({VALUES: ""})
    pulumi.made(made(old), made(old))

    assert main(["rollback", "--yes", "--full"]) == 1

    assert "That commit has no tools/bootstrap.py" in capsys.readouterr().err
    assert len(worktrees()) == 1


def test_nothing_is_left_of_a_run_that_was_interrupted_or_killed(
    commits: list[str], pulumi: PulumiCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "worktree", "add", "--detach", WORKTREE, commits[1]], capture_output=True, check=True)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(stack, "preview", interrupted)
        assert main(["rollback", "--yes", "--full"]) == 130
    assert len(worktrees()) == 1
    assert not Path(".local/rollback").exists()

    assert main(["rollback", "--yes", "--full"]) == 0
    assert len(pulumi.updated) == 1


def test_a_commit_that_is_not_there_is_no_way_back(
    commits: list[str], pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    """Though its app is known: it had been rolled back to."""
    pulumi.made(made("5e" * 20, valuesFile=f".local/rollback/{commits[0]}/{VALUES}"), made(commits[1]))
    assert main(["rollback", "--yes"]) == 0

    assert main(["rollback", "--yes", "--full"]) == 1

    assert "There is no way back to update 1: its commit 5e5e5e5 is not in this checkout" in capsys.readouterr().err
    assert len(pulumi.updated) == 1


@pytest.mark.parametrize(
    "kind",
    [
        "kubernetes:dapr.io/v1alpha1:Component",
        "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
        "kubernetes:cert-manager.io/v1:Issuer",
        "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable",
    ],
)
def test_what_holds_nothing_may_go_in_full_and_not_with_the_app(kind: str) -> None:
    steps = [step("delete", kind, "it")]
    assert destructive.changes(steps, "full") == [f"delete {kind}::it"]
    with pytest.raises(UserError):
        destructive.changes(steps, "app")
    with pytest.raises(UserError):
        destructive.changes([step("delete", kind, "it", protect=True)], "full")


def test_a_component_may_go_in_full() -> None:
    steps = [step("delete", "todo:platform:CertManager", "it", custom=False)]
    assert destructive.changes(steps, "full") == ["delete todo:platform:CertManager::it"]
    with pytest.raises(UserError):
        destructive.changes(steps, "app")


@pytest.mark.parametrize(
    "kind",
    [
        "kubernetes:core/v1:Namespace",
        "kubernetes:core/v1:Secret",
        "kubernetes:core/v1:Service",
        "kubernetes:core/v1:PersistentVolumeClaim",
        "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
        "kubernetes:helm.sh/v3:Release",
        "oci:ContainerEngine/cluster:Cluster",
        "oci:ContainerEngine/nodePool:NodePool",
        "oci:Core/vcn:Vcn",
        "pulumi:providers:kubernetes",
        "pulumi:providers:oci",
    ],
)
@pytest.mark.parametrize("operation", ["delete", "replace"])
def test_what_has_data_or_an_address_never_goes(kind: str, operation: str) -> None:
    with pytest.raises(UserError, match=f"nothing was changed:\n    {operation} {kind}::it\n"):
        destructive.changes([step(operation, kind, "it", custom=True)], "full")
