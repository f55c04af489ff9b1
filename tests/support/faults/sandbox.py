"""The stack that cases break and heal, its cluster, and the doubles of GitHub and the registry."""

import itertools
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from lightkube import Client, KubeConfig
from lightkube.resources.core_v1 import Secret

from kube import objects
from tests.support.embedded import embedded_cluster
from tests.support.faults.proxy import TOKEN, ApiProxy
from tests.support.faults.update import UP, Process, Update
from tests.support.project import CANARIES, Project, make_project
from tests.support.providers.serving import Doubles, serve
from tests.support.sources import commit, write_sources

STACK = "local"
STATE_FILE = f"state/.pulumi/stacks/todo-oke/{STACK}.json"
_GITHUB_TOKEN = "canary-github-token"
_REGISTRY_TOKEN = "canary-registry-token-5a11"
# As in production: images are built and GitHub is written. A short timeout, because releases hang in some cases.
_SETTINGS = {
    "imageSource": "build",
    "imageRegistry": "ghcr.io/example",
    "repository": "example/todo",
    "reviewers": "octocat",
    "registryUser": "example",
    "releaseTimeoutSeconds": "30",
}
# Of somebody else: a stack must not touch them.
UNRELATED_OBJECTS = """\
{apiVersion: v1, kind: List, items: [
{apiVersion: v1, kind: Namespace, metadata: {name: bystander}},
{apiVersion: v1, kind: ConfigMap, metadata: {name: bystander, namespace: bystander}, data: {of: somebody}},
{apiVersion: v1, kind: ConfigMap, metadata: {name: bystander, namespace: default}, data: {of: somebody}},
{apiVersion: v1, kind: Secret, metadata: {name: bystander, namespace: default}, stringData: {of: somebody}},
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: bystander, namespace: default}, spec:
  {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}
"""


@dataclass
class Sandbox:
    project: Project
    proxy: ApiProxy
    doubles: Doubles
    direct: Path  # a kubeconfig without the proxy
    secrets: list[str] = field(  # every secret value of the stack so far
        default_factory=lambda: [*CANARIES.values(), "canary-database-5d2c", TOKEN, _GITHUB_TOKEN, _REGISTRY_TOKEN]
    )
    _orphans: list[Process] = field(default_factory=list[Process])
    _changes: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def settings_file(self) -> Path:
        return self.project.folder / f"Pulumi.{STACK}.yaml"

    def configure(self, **settings: str) -> None:
        """Set plain settings."""
        document: dict[str, Any] = yaml.safe_load(self.settings_file.read_text())
        document["config"] |= {f"todo-oke:{name}": value for name, value in settings.items()}
        self.settings_file.write_text(yaml.safe_dump(document))

    def configure_secret(self, name: str, value: str) -> None:
        self.secrets.append(value)
        self.project.configure_secret(**{name: value})

    def change(self) -> None:
        """Commit to an image, rotate a secret and change a broker."""
        number = next(self._changes)
        (self.project.folder / "backend/app.py").write_text(f"VERSION = {number}\n")
        commit(self.project, f"Version {number}")
        self.configure_secret("kafkaPassword", f"canary-password-{number:04}")
        self.configure(kafkaBrokers=f"broker-{number}.example.com:9092")

    @contextmanager
    def updating(self) -> Generator[Update]:
        """Start an update, which has ended when the block ends."""
        update = Update(self.project)
        try:
            yield update
            update.end()
        finally:
            update.stop()
            self._orphans += update.orphans()

    def kill_orphans(self) -> None:
        """Kill the processes that outlived a killed engine."""
        for orphan in self._orphans:
            orphan.kill()
        self._orphans.clear()

    def kubectl(self, *arguments: str) -> str:
        return self.project.do("kubectl", *arguments)

    def apply(self, manifest: str) -> None:
        """Create objects outside of the stack, from YAML."""
        file = self.project.folder / "manifest.yaml"
        file.write_text(manifest)
        self.kubectl("apply", "--filename", str(file))

    def use_proxy(self, user: Mapping[str, Any] | None = None) -> None:
        """Let the stack reach the cluster through the proxy, as `user` of a kubeconfig or as administrator."""
        (self.project.folder / ".local/kubeconfig").write_text(self.proxy.kubeconfig(user))

    def helm_is_busy(self, release: str, namespace: str) -> Callable[[Update], bool]:
        """Return a condition: Helm works on a release."""
        client = Client(config=KubeConfig.from_file(self.direct))

        def is_busy(_: Update) -> bool:
            labels: dict[str, Any] = {"owner": "helm", "name": release}
            records = client.list(Secret, namespace=namespace, labels=labels)
            return any(objects.labels(record)["status"].startswith("pending") for record in records)

        return is_busy

    def destroy(self) -> None:
        self.project.do("pulumi", "destroy", "--yes", "--skip-preview")

    def github_secrets(self) -> Mapping[str, str]:
        found = self.doubles.github.cloud.all("ActionsEnvironmentSecret")
        return {each["secretName"]: each["value"] for each in found.values()}


@contextmanager
def make_sandbox(folder: Path) -> Generator[Sandbox]:
    """Make a sandbox in `folder`, with the stack up."""
    with ExitStack() as stack:
        direct = stack.enter_context(embedded_cluster(folder / "cluster"))
        proxy = ApiProxy(direct, folder)
        stack.enter_context(proxy.serve())
        doubles = stack.enter_context(serve(folder / "project"))
        environment = {**doubles.environment, "GITHUB_TOKEN": _GITHUB_TOKEN}
        project = make_project(folder / "project", direct, STACK, environment)
        sandbox = Sandbox(project, proxy, doubles, direct)
        write_sources(project)
        sandbox.use_proxy()
        sandbox.configure(**_SETTINGS)
        project.configure_secret(registryToken=_REGISTRY_TOKEN)
        sandbox.apply(UNRELATED_OBJECTS)
        project.do(*UP)
        stack.callback(sandbox.kill_orphans)
        yield sandbox
