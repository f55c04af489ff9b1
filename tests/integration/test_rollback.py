"""Rollbacks on the real engine: afterwards the cluster runs what the target update had released.

All tests share one stack, whose history grows.
"""

import base64
import json
import random
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from tests.support.image_registry import ImageRegistry
from tests.support.project import PROGRAM, ROOT, Project

pytestmark = pytest.mark.integration

VALUES = "infra/helm/todo-app/values-local.yaml"
TEMPLATE = "infra/helm/todo-app/templates/deployment.yaml"
SETTINGS, PROVIDED = "Pulumi.local.yaml", "tools/bootstrap.py"
UPDATES, ROLLBACKS = 12, 8
# In place of the real one, which would install for a minute what this checkout has already.
BOOTSTRAP = f"""\
from pathlib import Path
for name in (".venv", ".tools"):
    Path(name).symlink_to(Path({str(ROOT)!r}) / name)
"""


@dataclass
class Stack:
    """A stack in a git checkout."""

    project: Project
    released: dict[int, Any] = field(default_factory=dict[int, Any])  # what the cluster ran after each version

    @property
    def version(self) -> int:
        return max(self.released)

    def configure(self, **settings: str) -> None:
        path = self.project.folder / SETTINGS
        document = yaml.safe_load(path.read_text())
        document["config"] |= {f"todo-oke:{key}": value for key, value in settings.items()}
        path.write_text(yaml.safe_dump(document))

    def edit_values(self, replicas: int) -> None:
        text = f"frontend: {{replicas: 1}}\nbackend: {{replicas: {replicas}}}\n"
        (self.project.folder / VALUES).write_text(text)

    def up(self) -> int:
        """Release the project's folder as a new commit, and return the version."""
        self.project.do("git", "add", "--all")
        self.project.do("git", "commit", "--quiet", "--allow-empty", "--message", "What is to be delivered")
        self.project.up()
        return self.record()

    def roll_back(self, to: int, *options: str) -> str:
        printed = self.delivery("rollback", "--to", str(to), "--yes", *options)
        self.record()
        return printed

    def record(self) -> int:
        """Record what the cluster runs after another update."""
        self.released[self.version + 1] = self.live()
        return self.version

    def delivery(self, command: str, *arguments: str) -> str:
        return self.project.do("python", "-m", "delivery", command, "--stack", "local", *arguments)

    def refused(self, *arguments: str) -> str:
        outcome = self.project.run("python", "-m", "delivery", "rollback", "--stack", "local", *arguments)
        assert outcome.code == 1, outcome.text
        assert "Traceback" not in outcome.text
        return outcome.text

    def live(self) -> Mapping[str, Any]:
        """The specification of each object of the app."""
        kinds = "deployments,services,ingresses,networkpolicies,poddisruptionbudgets"
        objects = self.project.get(kinds, "--selector", "app.kubernetes.io/instance=todo-app")["items"]
        return {f"{it['kind']} {it['metadata']['name']}": it["spec"] for it in objects}

    def runs(self, version: int) -> bool:
        """Whether the last update released the same as another."""
        return self.released[self.version] == self.released[version]

    def backend(self) -> Mapping[str, Any]:
        return self.live()["Deployment backend"]

    def entries(self, count: int) -> list[dict[str, Any]]:
        return json.loads(self.delivery("history", "--json", "--count", str(count)))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageRegistry]:
    with ImageRegistry.serve(tmp_path_factory.mktemp("registry")) as served:
        yield served


@pytest.fixture(scope="module")
def stack(project: Project) -> Iterator[Stack]:
    """The stack as a clean git checkout, whose commit is released; the settings are restored afterwards."""
    changed = {name: (project.folder / name).read_text() for name in (VALUES, TEMPLATE, SETTINGS, PROVIDED)}
    # Everything else is ignored, such as the copies of the kubeconfig that the provider leaves.
    kept = [*PROGRAM, "backend", "tools"]
    (project.folder / ".gitignore").write_text("\n".join(["/*", "__pycache__", *(f"!/{name}" for name in kept)]))
    (project.folder / PROVIDED).write_text(BOOTSTRAP)
    shutil.copytree(ROOT / "backend/migrations", project.folder / "backend/migrations")
    project.do("git", "init", "--quiet")
    project.do("git", "config", "user.name", "Ann")
    project.do("git", "config", "user.email", "ann@example.com")
    made = json.loads(project.do("pulumi", "stack", "history", "--json", "--page-size", "0"))
    stack = Stack(project, {len(made): {}})
    stack.up()
    yield stack
    for name, text in changed.items():
        (project.folder / name).write_text(text)
    for name in (".git", "backend"):
        shutil.rmtree(project.folder / name)


def test_random_rollbacks_restore_exactly_what_each_version_released(stack: Stack, registry: ImageRegistry) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 (pytest shows it where the test fails)
    chance = random.Random(seed)  # noqa: S311
    images = [registry.push("todo-backend", str(number)) for number in range(3)]
    images += ["ghcr.io/example/todo-backend:sha-1111111"]
    start = stack.version
    rest = [True] * (UPDATES - 2) + [False] * ROLLBACKS
    chance.shuffle(rest)
    for is_update in [True, True, *rest]:
        if is_update:
            replicas, image = chance.randint(1, 3), chance.choice(images)
            stack.edit_values(replicas)
            stack.configure(backendImage=image)
            stack.up()
            backend = stack.backend()
            assert (backend["replicas"], backend["template"]["spec"]["containers"][0]["image"]) == (replicas, image)
        else:
            # To one that differs from what runs: otherwise there is no update.
            to = chance.choice([version for version in range(start, stack.version) if not stack.runs(version)])
            printed = stack.roll_back(to)
            assert stack.live() == stack.released[to], f"version {to}"
            assert "could not check the registry" not in printed

    entries = stack.entries(UPDATES + ROLLBACKS)
    assert [entry["version"] for entry in entries] == [*range(stack.version, start, -1)]
    assert sum("roll back to update" in entry["message"] for entry in entries) == ROLLBACKS
    assert all(entry["rollback"]["possible"] and entry["author"] == "Ann" for entry in entries)
    assert stack.project.do("git", "status", "--porcelain") == ""


def test_chart_is_rolled_back_in_full_only(stack: Stack) -> None:
    before = stack.version
    path = stack.project.folder / TEMPLATE
    path.write_text(path.read_text().replace("revisionHistoryLimit: 3", "revisionHistoryLimit: 4"))
    stack.edit_values(2)
    stack.configure(backendImage="ghcr.io/example/todo-backend:sha-2222222")
    after = stack.up()
    assert stack.backend()["revisionHistoryLimit"] == 4

    stack.roll_back(before)
    assert stack.backend() == {**stack.released[before]["Deployment backend"], "revisionHistoryLimit": 4}

    printed = stack.roll_back(before, "--full")
    assert "with its program, chart and settings" in printed
    assert stack.live() == stack.released[before]
    made = {entry["version"]: entry for entry in stack.entries(4)}
    full = made[stack.version]
    assert (full["commit"], full["images"]) == (made[before]["commit"], made[before]["images"])
    assert (full["author"], full["rollback"]["possible"]) == ("Ann", True)
    assert full["message"].startswith(f"roll back in full to update {before} (commit {full['commit'][:7]})")

    stack.roll_back(after, "--full")  # which undoes that rollback
    assert stack.live() == stack.released[after]
    assert len(stack.project.do("git", "worktree", "list").splitlines()) == 1
    assert not (stack.project.folder / ".local/rollback").exists()


def test_secrets_are_rolled_back_on_request_only(stack: Stack) -> None:
    old, new = "canary-password-of-then", "canary-password-of-today"
    stack.project.configure_secret(kafkaPassword=old)
    before = stack.up()
    stack.delivery("verify", "--seconds", "60")
    stack.project.configure_secret(kafkaPassword=new)
    stack.up()

    printed = stack.delivery("rollback", "--to", "verified", "--preview")
    assert f"rollback of stack local from update {stack.version} to update {before}" in printed
    assert "succeeded and was verified" in printed
    assert "note  kafkaPassword has changed since, and keeps today's value" in printed
    assert password(stack) == new

    printed += stack.roll_back(before, "--with-secrets")
    assert "note  kafkaPassword has changed since, and gets the value of update" in printed
    assert password(stack) == old
    assert stack.live() == stack.released[before]  # with the checksums that restart pods
    assert stack.live() != stack.released[before + 1]
    differs = stack.delivery("diff", str(before), str(before + 1))
    assert "secrets\n  kafkaPassword differs\n" in differs
    assert "canary" not in printed + differs + stack.delivery("history", "--json")


def test_rollback_after_a_failed_release_touches_no_pod(stack: Stack) -> None:
    pods, before, good = stack.project.pods("backend"), stack.live(), stack.version
    stack.configure(backendImage="ghcr.io/example/todo-backend:missing")
    assert stack.project.run("pulumi", "up", "--yes", "--skip-preview").code != 0
    failed = stack.record()

    printed = stack.roll_back(good, "--with-secrets")

    assert f"note  update {failed} failed" in printed
    assert (stack.project.pods("backend"), stack.live()) == (pods, before)
    again = stack.delivery("rollback", "--to", str(good), "--yes", "--with-secrets")
    assert "Nothing to change" in again


def test_unsafe_rollback_changes_nothing(stack: Stack, registry: ImageRegistry) -> None:
    project, entries = stack.project, stack.entries(50)
    before = stack.live(), project.resources(), project.helm_history()
    entry = next(entry for entry in entries if "@" in entry["images"].get("backend", ""))
    registry.delete(entry["images"]["backend"])

    assert "Stack local has no update 999" in stack.refused("--to", "999", "--yes")
    assert "hint: python -m delivery rollback --stack local --yes" in stack.refused()
    assert "is not in the registry any more" in stack.refused("--to", str(entry["version"]), "--yes")
    stack.configure(namespace="elsewhere")
    printed = stack.refused("--to", str(stack.version), "--yes")

    assert "destructive changes" in printed
    assert "kubernetes:core/v1:Secret::app-secrets" in printed
    assert (stack.live(), project.resources(), project.helm_history()) == before
    assert stack.entries(50) == entries


def password(stack: Stack) -> str:
    data: Mapping[str, str] = stack.project.get("secret", "kafka-secrets")["data"]
    return base64.b64decode(data["password"]).decode()
