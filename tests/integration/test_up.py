"""`delivery up` on the real engine: whatever fails, the app ends on the last verified version."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.project import PROGRAM, Outcome, Project

pytestmark = pytest.mark.integration

VALUES = "infra/helm/todo-app/values-local.yaml"
IMAGE = "ghcr.io/example/todo-backend"


@pytest.fixture(scope="module")
def verified(project: Project) -> Iterator[Project]:
    """The project as a git checkout, brought up and verified; its settings are set back at the end."""
    settings = project.folder / "Pulumi.local.yaml"
    kept = settings.read_text()
    (project.folder / ".gitignore").write_text("\n".join(["/*", "__pycache__", *(f"!/{name}" for name in PROGRAM)]))
    project.configure(verifyTimeoutSeconds="10", releaseTimeoutSeconds="30")
    project.do("git", "init", "--quiet")
    project.do("git", "config", "user.name", "Ann")
    project.do("git", "config", "user.email", "ann@example.com")
    commit(project)
    printed = up(project, 0)
    assert "n/a image of backend the pods are simulated" in printed
    assert "n/a Dapr components the pods are simulated" in printed
    assert "n/a GET /api/health" in printed
    assert re.search(r"Update \d+ of stack local succeeded and is verified\.", printed)
    yield project
    settings.write_text(kept)


@pytest.fixture(autouse=True)
def checkout(verified: Project) -> Any:
    """Reset the commits of each test."""
    before = verified.do("git", "rev-parse", "HEAD").strip()
    yield
    verified.do("git", "reset", "--quiet", "--hard", before)


def test_failed_verification_is_rolled_back(verified: Project) -> None:
    good, version = released(verified), last_version(verified)
    verified.configure(backendImage=f"{IMAGE}:late")
    edit_values(verified, {"backend": {"replicas": 1}})
    commit(verified)

    printed = up(verified, 1)

    assert "FAILED rollout of backend of 1 replicas: 1 updated, 0 ready" in printed
    assert "backend: container backend is in CrashLoopBackOff" in printed
    assert 'BackOff: Back-off restarting failed container (simulated: the tag is "late")' in printed
    assert f"rollback of stack local from update {version + 1} to update {version}" in printed
    assert f"error: Update {version + 1} of stack local succeeded and failed its verification: " in printed
    assert f"It was rolled back by update {version + 2}, which is verified. " in printed
    assert released(verified) == good
    assert ready(verified) == {"frontend": 2, "backend": 2}
    assert history(verified)[0]["message"].startswith(f"roll back to update {version} (commit ")
    assert history(verified)[0]["message"].endswith(f" from update {version + 1}")


def test_release_with_a_bad_image_rolls_itself_back(verified: Project) -> None:
    verified.configure(backendImage=f"{IMAGE}:missing")

    assert "ImagePullBackOff" in failed_update(verified)


def test_release_with_a_bad_value_rolls_itself_back(verified: Project) -> None:
    room = {"requests": {"cpu": "3", "memory": "192Mi"}, "limits": {"cpu": "3", "memory": "192Mi"}}
    edit_values(verified, {"frontend": {"resources": room}})

    assert "cannot schedule its pod" in failed_update(verified)


def test_release_with_a_failing_hook_rolls_itself_back(verified: Project) -> None:
    migrations = verified.folder / "infra/helm/todo-app/templates/migrations.yaml"
    text = migrations.read_text()
    image = "image: {{ .Values.backend.image | quote }}"
    assert image in text
    migrations.write_text(text.replace(image, f"image: {IMAGE}:missing"))

    failed_update(verified)


def test_invalid_values_start_no_update(verified: Project) -> None:
    good, made = released(verified), history(verified)
    edit_values(verified, {"backend": {"replicaz": 3}})

    printed = up(verified, 1)

    assert "Additional properties are not allowed ('replicaz' was unexpected)" in printed
    assert printed.endswith("hint: python -m delivery recover --stack local\n")
    assert (released(verified), history(verified)) == (good, made)


def failed_update(project: Project) -> str:
    """The output of an update that fails and leaves the app as it was."""
    good, pods, version = released(project), uids(project), last_version(project)
    failed = len(history(project)) + 1
    printed = up(project, 1)
    assert f"error: Update {failed} of stack local failed; " in printed
    assert f"The app still runs as update {version} left it: the release rolled itself back. " in printed
    assert "ok rollout of backend of 2 replicas" in printed
    assert (released(project), uids(project)) == (good, pods)
    return printed


def up(project: Project, code: int) -> str:
    outcome: Outcome = project.run("python", "-m", "delivery", "up", "--stack", "local", "--yes")
    assert outcome.code == code, outcome.text
    assert "Traceback" not in outcome.text
    assert "canary" not in outcome.text
    return re.sub(" +", " ", outcome.text)  # of tables


def commit(project: Project) -> None:
    project.do("git", "add", "--all")
    project.do("git", "commit", "--quiet", "--allow-empty", "--message", "What is to be delivered")


def edit_values(project: Project, changes: Mapping[str, Mapping[str, Any]]) -> None:
    path: Path = project.folder / VALUES
    document = yaml.safe_load(path.read_text())
    for app, values in changes.items():
        document.setdefault(app, {}).update(values)
    path.write_text(yaml.safe_dump(document))


def last_version(project: Project) -> int:
    """The number of the last update that succeeded."""
    made = history(project)
    return next(len(made) - place for place, update in enumerate(made) if update["result"] == "succeeded")


def history(project: Project) -> Sequence[Mapping[str, Any]]:
    """All updates, the newest first."""
    return json.loads(project.do("pulumi", "stack", "history", "--json", "--page-size", "0"))


def released(project: Project) -> Mapping[str, Any]:
    """The specification of each deployment."""
    return {
        deployment["metadata"]["name"]: (deployment["spec"]["replicas"], deployment["spec"]["template"]["spec"])
        for deployment in project.get("deployments")["items"]
    }


def ready(project: Project) -> Mapping[str, int]:
    return {
        deployment["metadata"]["name"]: deployment["status"].get("readyReplicas", 0)
        for deployment in project.get("deployments")["items"]
    }


def uids(project: Project) -> set[str]:
    return {uid for app in ("frontend", "backend") for uid in project.pods(app)}
