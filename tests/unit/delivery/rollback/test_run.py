from pathlib import Path

import pytest
import yaml

from tests.support.checkout import Checkout
from tests.support.command_line import Delivery
from tests.support.pulumi_command import PulumiCommand, step
from tests.support.rollbacks import CONFIG, NEW, OLD, RELEASE, VALUES, Rollback, pinned

pytestmark = pytest.mark.usefixtures("crane")


@pytest.fixture
def two(commits: list[str], pulumi: PulumiCommand) -> list[str]:
    """The commits of two updates with other images and chart values."""
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW))
    return commits


def test_past_app_is_released_with_todays_settings(two: list[str], pulumi: PulumiCommand, roll_back: Rollback) -> None:
    before = Path("Pulumi.oke.yaml").read_text()

    printed = roll_back()

    release = {"imageSource": "pinned", "imageScan": "", "valuesFile": f".local/rollback/{two[0]}/{VALUES}", **OLD}
    assert roll_back.document == {
        "config": {**CONFIG, **{f"todo-oke:{key}": value for key, value in release.items()}},
        "encryptionsalt": "v1:salt",
    }
    assert (pulumi.seen / two[0] / VALUES).read_text() == "replicas: 1\n"
    assert pulumi.updated == [
        f"up --config-file {Path.cwd()}/.local/rollback/Pulumi.oke.yaml --message roll back to update 1 "
        f"(commit {two[0][:7]}) from update 2 --stack oke --yes --skip-preview --non-interactive"
    ]
    assert printed.endswith("\n      update kubernetes:helm.sh/v3:Release::todo-app\n")
    assert Path("Pulumi.oke.yaml").read_text() == before
    assert not Path(".local/rollback").exists()


def test_project_may_be_a_folder_of_the_checkout(
    checkout: Checkout, pulumi: PulumiCommand, monkeypatch: pytest.MonkeyPatch, roll_back: Rollback
) -> None:
    settings = Path("Pulumi.oke.yaml").read_text()
    commit = checkout.commit({f"deploy/{VALUES}": "replicas: 7\n", "deploy/Pulumi.oke.yaml": settings})
    monkeypatch.chdir("deploy")
    pulumi.made(pinned(commit), pinned(commit, NEW))

    roll_back()

    assert (pulumi.seen / commit / VALUES).read_text() == "replicas: 7\n"


@pytest.mark.usefixtures("two")
def test_preview_changes_nothing(pulumi: PulumiCommand, roll_back: Rollback) -> None:
    assert roll_back("--preview").endswith("      update kubernetes:helm.sh/v3:Release::todo-app\n")
    assert pulumi.updated == []
    assert not Path(".local/rollback").exists()


def test_what_runs_is_not_released_again(commits: list[str], pulumi: PulumiCommand, roll_back: Rollback) -> None:
    pulumi.made(pinned(commits[0]), {**pinned(commits[1], NEW), "result": "failed"})
    pulumi.previews(step("same", "pulumi:pulumi:Stack", "s"), step("read", "kubernetes:core/v1:Service", "s"))

    printed = roll_back()

    assert "\nnote  update 2 failed" in printed
    assert "Nothing to change" in printed
    assert pulumi.updated == []


@pytest.mark.usefixtures("two")
def test_only_a_terminal_can_confirm(
    pulumi: PulumiCommand, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert delivery("rollback", code=1)[1].endswith("hint: python -m delivery rollback --stack oke --yes\n")
    assert pulumi.calls == []

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    delivery("rollback")
    assert pulumi.updated[0].endswith("--stack oke")  # the engine asks


@pytest.mark.usefixtures("two")
def test_destructive_rollback_is_refused(pulumi: PulumiCommand, roll_back: Rollback) -> None:
    pulumi.previews(RELEASE, step("delete", "kubernetes:core/v1:Namespace", "todo"))

    assert "delete kubernetes:core/v1:Namespace::todo\n" in roll_back(code=1)
    assert pulumi.updated == []


@pytest.mark.usefixtures("two")
def test_failed_preview_shows_the_errors_of_the_program(pulumi: PulumiCommand, roll_back: Rollback) -> None:
    pulumi.fails_to_preview("error: values that do not fit the chart\n")

    assert "error: values that do not fit the chart\n" in roll_back(code=1)
    assert pulumi.updated == []


@pytest.mark.usefixtures("two")
def test_failed_update_fails_the_command(pulumi: PulumiCommand, roll_back: Rollback) -> None:
    pulumi.exits("updating", 1)

    assert "error: The update failed" in roll_back(code=1)
    assert not Path(".local/rollback").exists()


@pytest.mark.usefixtures("two")
def test_other_stack_has_its_own_settings(pulumi: PulumiCommand, roll_back: Rollback) -> None:
    Path("Pulumi.oke.yaml").rename("Pulumi.staging.yaml")

    roll_back("--stack", "owner/todo-oke/staging")

    assert yaml.safe_load((pulumi.seen / "Pulumi.staging.yaml").read_text())["config"].keys() >= CONFIG.keys()
    assert all("--stack owner/todo-oke/staging" in call for call in pulumi.calls)
