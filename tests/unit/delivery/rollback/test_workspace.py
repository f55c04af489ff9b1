"""A full rollback: the past commit's program, chart and settings, in a worktree for the time of the update."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.engine import stack
from tests.support.checkout import Checkout
from tests.support.pulumi_command import PulumiCommand, update, with_secrets
from tests.support.rollbacks import TAGS, Rollback, pinned

VALUES = "values.yaml"
WORKTREE = Path(".local/rollback/checkout")
# It records its environment, and brings an engine of its own, which must not run.
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
def commits(checkout: Checkout) -> list[str]:
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
def full(commits: list[str], pulumi: PulumiCommand, roll_back: Rollback) -> Rollback:
    """A rollback to the first of two updates, one for each commit."""
    pulumi.made(*map(made, commits))
    pulumi.has_secrets(kafkaPassword="canary-today", registryToken="new")
    return roll_back


def made(commit: str, **settings: str) -> dict[str, Any]:
    defaults = {"valuesFile": VALUES, "kubeconfig": ".local/kubeconfig", "nodeCount": "2"}
    return with_secrets(pinned(commit, TAGS, **{**defaults, **settings}), kafkaPassword="canary-past")


def worktrees() -> list[str]:
    return subprocess.run(["git", "worktree", "list"], capture_output=True, text=True, check=True).stdout.splitlines()


def test_past_program_runs_with_its_own_settings(
    commits: list[str], pulumi: PulumiCommand, full: Rollback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "the passphrase")
    before = Path("Pulumi.oke.yaml").read_text()

    printed = full("--full")

    checkout = pulumi.seen / "checkout"
    assert (checkout / "__main__.py").read_text() == "first"
    assert (checkout / VALUES).read_text() == "replicas: 1\n"
    assert (checkout / ".local/kubeconfig").read_text() == "a kubeconfig"
    assert "PULUMI_CONFIG_PASSPHRASE" not in (checkout / "provided").read_text()
    past = {"valuesFile": VALUES, "kubeconfig": ".local/kubeconfig", "nodeCount": "2", "imageSource": "pinned", **TAGS}
    assert full.document == {
        "config": {
            **{f"todo-oke:{key}": value for key, value in past.items()},
            "todo-oke:imageScan": "",
            "todo-oke:kafkaPassword": {"secure": "v1:today"},
        },
        "encryptionsalt": "v1:salt",
    }
    worktree = Path.cwd() / WORKTREE
    assert f"roll back in full to update 1 (commit {commits[0][:7]}) from update 2 " in pulumi.updated[0]
    assert pulumi.updated[0].endswith(f" --cwd {worktree}")
    assert pulumi.path[:2] == [f"{worktree}/.tools/bin", f"{worktree}/.venv/bin"]
    assert "installing\n" in printed
    assert Path("Pulumi.oke.yaml").read_text() == before
    assert not Path(".local/rollback").exists()
    assert len(worktrees()) == 1


def test_past_secret_that_is_plain_today_keeps_todays_value(
    commits: list[str], pulumi: PulumiCommand, full: Rollback
) -> None:
    past = update(commits[0], imageSource="pinned", valuesFile=VALUES, **TAGS)
    pulumi.made(with_secrets(past, kubeconfig="canary-past"), made(commits[1]))

    full("--full")

    assert full.config["todo-oke:kubeconfig"] == ".local/another"


def test_rollback_of_the_app_is_restored_with_its_values(
    commits: list[str], pulumi: PulumiCommand, full: Rollback
) -> None:
    values = f".local/rollback/{commits[0]}/{VALUES}"
    pulumi.made(made(commits[1], valuesFile=values), made(commits[1]))

    full("--full")

    assert (pulumi.seen / "checkout/__main__.py").read_text() == "second"
    assert (pulumi.seen / "checkout" / values).read_text() == "replicas: 1\n"
    assert full.config["todo-oke:valuesFile"] == values
    assert f"(commit {commits[1][:7]})" in pulumi.updated[0]


@pytest.mark.parametrize("code", [0, 1])
def test_without_the_toolchain_pulumi_installs_the_packages(pulumi: PulumiCommand, full: Rollback, code: int) -> None:
    Path(".tools").rmdir()
    pulumi.exits("installing", code)

    full("--full", code=code)

    assert pulumi.installed == Path.cwd() / WORKTREE
    assert len(pulumi.updated) == 1 - code
    assert len(worktrees()) == 1


def test_commit_without_the_toolchain_is_an_error(checkout: Checkout, pulumi: PulumiCommand, full: Rollback) -> None:
    Path("tools/bootstrap.py").unlink()
    old = checkout.commit({VALUES: ""})
    pulumi.made(made(old), made(old))

    assert full("--full", code=1).endswith("hint: git log -- tools/bootstrap.py\n")
    assert len(worktrees()) == 1


def test_nothing_remains_of_an_interrupted_or_killed_run(
    commits: list[str], pulumi: PulumiCommand, full: Rollback, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "worktree", "add", "--detach", WORKTREE, commits[1]], capture_output=True, check=True)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(stack, "preview", interrupt)
        full("--full", code=130)
    assert len(worktrees()) == 1
    assert not Path(".local/rollback").exists()

    full("--full")
    assert len(pulumi.updated) == 1


def test_missing_commit_prevents_a_full_rollback_only(
    commits: list[str], pulumi: PulumiCommand, full: Rollback
) -> None:
    missing = "5e" * 20
    pulumi.made(made(missing, valuesFile=f".local/rollback/{commits[0]}/{VALUES}"), made(commits[1]))
    full()

    assert full("--full", code=1).endswith(f"hint: git fetch origin {missing}\n")
    assert len(pulumi.updated) == 1


def test_settings_of_the_stack_are_needed(pulumi: PulumiCommand, full: Rollback) -> None:
    Path("Pulumi.oke.yaml").write_text("[")
    assert full(code=1).endswith("hint: git diff Pulumi.oke.yaml\n")

    Path("Pulumi.oke.yaml").unlink()
    assert full(code=1).endswith("hint: cd PROJECT\n")
    assert pulumi.updated == []
