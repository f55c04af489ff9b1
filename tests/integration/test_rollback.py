"""Rollbacks on the real engine: what runs afterwards is what the update that was gone back to had released."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.project import Outcome, Project

pytestmark = pytest.mark.integration

VALUES = "infra/helm/todo-app/values-local.yaml"
IMAGE = "ghcr.io/example/todo-backend"


@pytest.fixture
def checkout(deployed: Project) -> Project:
    """The deployed project as a clean git checkout, of which the last update is."""
    # All that is not of the checkout, the copies of the kubeconfig that the provider leaves included.
    kept = ["Pulumi.yaml", "Pulumi.local.yaml", "__main__.py", "components", "delivery", "infra", "frontend", "backend"]
    (deployed.folder / ".gitignore").write_text("\n".join(["/*", "__pycache__", *(f"!/{name}" for name in kept)]))
    if not (deployed.folder / ".git").exists():
        deployed.do("git", "init", "--quiet")
        deployed.do("git", "config", "user.name", "Ann")
        deployed.do("git", "config", "user.email", "ann@example.com")
    commit(deployed)
    deployed.up()
    return deployed


def test_a_rollback_restores_the_app_and_can_be_rolled_back(checkout: Project) -> None:
    first, good = released(checkout), last_version(checkout)
    delivery(checkout, "verify", "--seconds", "60")
    edit_values(checkout, "replicas: 2", "replicas: 1")
    checkout.configure(backendImage=f"{IMAGE}@sha256:{'ab' * 32}")
    checkout.configure_secret(kafkaPassword="canary-password-of-today")
    commit(checkout)
    checkout.up()
    second, bad = released(checkout), last_version(checkout)
    assert second != first

    looked = delivery(checkout, "rollback", "--preview")
    assert "update kubernetes:helm.sh/v3:Release::todo-app" in looked
    assert released(checkout) == second

    told = delivery(checkout, "rollback", "--yes")
    assert f"back to update {good} of stack local from update {bad}" in told
    assert "succeeded and was verified" in told
    assert released(checkout) == first
    password: str = checkout.get("secret", "kafka-secrets")["data"]["password"]
    assert base64.b64decode(password) == b"canary-password-of-today"
    assert checkout.do("git", "status", "--porcelain") == ""
    assert not (checkout.folder / ".local/rollback").exists()

    delivery(checkout, "rollback", "--to", str(bad), "--yes")
    assert released(checkout) == second
    checkout.up("--expect-no-changes")  # it is what the checkout asks for

    delivery(checkout, "rollback", "--to", str(bad + 1), "--yes")
    assert released(checkout) == first

    lines = delivery(checkout, "history").splitlines()
    assert [line.split()[0] for line in lines[1:]] == [str(bad + 4 - place) for place in range(len(lines) - 1)]
    assert f"roll back to update {bad + 1} " in lines[1]
    assert f"from update {bad + 3}" in lines[1]


def test_after_a_release_that_took_itself_back_no_pod_is_touched_and_the_state_agrees_again(checkout: Project) -> None:
    checkout.configure(releaseTimeoutSeconds="30")
    checkout.up()
    pods, failed = checkout.pods("backend"), last_version(checkout) + 1
    checkout.configure(backendImage=f"{IMAGE}:missing")
    assert checkout.run("pulumi", "up", "--yes", "--skip-preview").code != 0

    told = delivery(checkout, "rollback", "--yes")

    assert f"note  update {failed} failed" in told
    assert checkout.pods("backend") == pods
    assert "Nothing to change: the app is that of update" in delivery(checkout, "rollback", "--yes")
    assert last_version(checkout) == failed + 1


def test_a_rollback_that_is_not_safe_changes_nothing(checkout: Project) -> None:
    edit_values(checkout, "replicas: 2", "replicas: 1")
    commit(checkout)
    checkout.up()
    before = released(checkout), checkout.resources(), checkout.helm_history(), last_version(checkout)

    for arguments, reason in [
        (["--to", "999"], "Stack local has no update 999"),
        ([], "There is nobody here to ask"),
    ]:
        assert reason in refused(checkout, *arguments, *(["--yes"] if arguments else [])).text
    checkout.configure(namespace="elsewhere")
    told = refused(checkout, "--yes").text

    assert "The preview deletes or replaces more than an app, and nothing was changed" in told
    assert "kubernetes:core/v1:Secret::app-secrets" in told
    assert (released(checkout), checkout.resources(), checkout.helm_history(), last_version(checkout)) == before


def delivery(project: Project, command: str, *arguments: str) -> str:
    return project.do("python", "-m", "delivery", command, "--stack", "local", *arguments)


def refused(project: Project, *arguments: str) -> Outcome:
    outcome = project.run("python", "-m", "delivery", "rollback", "--stack", "local", *arguments)
    assert outcome.code == 1, outcome.text
    assert "Traceback" not in outcome.text
    return outcome


def commit(project: Project) -> None:
    project.do("git", "add", "--all")
    project.do("git", "commit", "--quiet", "--allow-empty", "--message", "What is to be delivered")


def edit_values(project: Project, old: str, new: str) -> None:
    path = project.folder / VALUES
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def last_version(project: Project) -> int:
    return int(delivery(project, "history", "--count", "1").splitlines()[1].split()[0])


def released(project: Project) -> Mapping[str, Any]:
    """What the cluster was told to run: of each deployment the replicas and the images."""
    return {
        deployment["metadata"]["name"]: (
            deployment["spec"]["replicas"],
            [container["image"] for container in deployment["spec"]["template"]["spec"]["containers"]],
        )
        for deployment in project.get("deployments")["items"]
    }


@pytest.fixture(autouse=True)
def values(project: Project) -> Any:
    """The chart values are set back after each test."""
    path: Path = project.folder / VALUES
    kept = path.read_text()
    yield
    path.write_text(kept)
