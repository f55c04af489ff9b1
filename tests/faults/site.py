"""The stack that is broken and healed, the cluster under it, and what stands in for GitHub and the registry."""

import itertools
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.faults.front import TOKEN, Front
from tests.faults.update import UP, Process, Update
from tests.support.embedded import embedded_cluster
from tests.support.project import CANARIES, Project, make_project
from tests.support.providers.serving import Doubles, serve
from tests.support.sources import commit, write_sources

STACK = "local"
STATE_FILE = f"state/.pulumi/stacks/todo-oke/{STACK}.json"
_GITHUB_TOKEN = "canary-github-token"
_REGISTRY_TOKEN = "canary-registry-token-5a11"
# Images are built and GitHub is written, as in production; a release that hangs is not to be waited for.
_SETTINGS = {
    "imageSource": "build",
    "imageRegistry": "ghcr.io/example",
    "repository": "example/todo",
    "reviewers": "octocat",
    "registryUser": "example",
    "releaseTimeoutSeconds": "30",
}
# Made by somebody else, and nobody's to touch: beside the app, beside Dapr, and in a namespace of their own.
BYSTANDERS = """\
{apiVersion: v1, kind: List, items: [
{apiVersion: v1, kind: Namespace, metadata: {name: bystander}},
{apiVersion: v1, kind: ConfigMap, metadata: {name: bystander, namespace: bystander}, data: {of: somebody}},
{apiVersion: v1, kind: ConfigMap, metadata: {name: bystander, namespace: default}, data: {of: somebody}},
{apiVersion: v1, kind: Secret, metadata: {name: bystander, namespace: default}, stringData: {of: somebody}},
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: bystander, namespace: default}, spec:
  {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}
"""


@dataclass
class Site:
    """The stack and what it speaks to; direct: a kubeconfig that leads around the front.

    secrets: every secret value that the stack had so far.
    """

    project: Project
    front: Front
    doubles: Doubles
    direct: Path
    secrets: list[str] = field(
        default_factory=lambda: [*CANARIES.values(), "canary-database-5d2c", TOKEN, _GITHUB_TOKEN, _REGISTRY_TOKEN]
    )
    _orphans: list[Process] = field(default_factory=list[Process])
    _changes: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def settings_file(self) -> Path:
        return self.project.folder / f"Pulumi.{STACK}.yaml"

    def configure(self, **settings: str) -> None:
        """Sets what is no secret."""
        document: dict[str, Any] = yaml.safe_load(self.settings_file.read_text())
        document["config"] |= {f"todo-oke:{name}": value for name, value in settings.items()}
        self.settings_file.write_text(yaml.safe_dump(document))

    def configure_secret(self, name: str, value: str) -> None:
        self.secrets.append(value)
        self.project.configure_secret(**{name: value})

    def change(self) -> None:
        """What a busy day brings: a commit to an image, a rotated secret, another broker."""
        number = next(self._changes)
        (self.project.folder / "backend/app.py").write_text(f"VERSION = {number}\n")
        commit(self.project, f"Version {number}")
        self.configure_secret("kafkaPassword", f"canary-password-{number:04}")
        self.configure(kafkaBrokers=f"broker-{number}.example.com:9092")

    @contextmanager
    def updating(self) -> Generator[Update]:
        """An update that is over at the end of the block, whatever became of it."""
        update = Update(self.project)
        try:
            yield update
            update.end()
        finally:
            update.stop()
            self._orphans += update.orphans()

    def reap(self) -> None:
        """Ends what outlived an engine that was killed, had nobody else done it."""
        for orphan in self._orphans:
            orphan.kill()
        self._orphans.clear()

    def kubectl(self, *arguments: str) -> str:
        return self.project.do("kubectl", *arguments)

    def apply(self, manifest: str) -> None:
        """Makes objects by hand; manifest: YAML."""
        file = self.project.folder / "manifest.yaml"
        file.write_text(manifest)
        self.kubectl("apply", "--filename", str(file))

    def use_front(self, user: Mapping[str, Any] | None = None) -> None:
        """Leads the stack to the cluster by the front; user: with other credentials than the administrator's."""
        (self.project.folder / ".local/kubeconfig").write_text(self.front.kubeconfig(user))

    def tear_down(self) -> None:
        self.project.do("pulumi", "destroy", "--yes", "--skip-preview")

    def github_secrets(self) -> Mapping[str, str]:
        found = self.doubles.github.cloud.all("ActionsEnvironmentSecret")
        return {each["secretName"]: each["value"] for each in found.values()}


@contextmanager
def site(folder: Path) -> Generator[Site]:
    """A site in `folder`, with the stack up."""
    with ExitStack() as stack:
        direct = stack.enter_context(embedded_cluster(folder / "cluster"))
        front = Front(direct, folder)
        stack.enter_context(front.serve())
        doubles = stack.enter_context(serve(folder / "project"))
        environment = {**doubles.environment, "GITHUB_TOKEN": _GITHUB_TOKEN}
        project = make_project(folder / "project", direct, STACK, environment)
        made = Site(project, front, doubles, direct)
        write_sources(project)
        made.use_front()
        made.configure(**_SETTINGS)
        project.configure_secret(registryToken=_REGISTRY_TOKEN)
        made.apply(BYSTANDERS)
        project.do(*UP)
        stack.callback(made.reap)
        yield made
