"""Copies of the project with a stack of their own, run by the real engine."""

import base64
import gzip
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TOOLS = (".venv", ".tools")
PACKAGES = ("components", "delivery", "settings", "oke", "kube", "system")
# What an update depends on.
PROGRAM = ("Pulumi.yaml", "Pulumi.local.yaml", "__main__.py", "infra", *PACKAGES)
COPIED = (*PROGRAM, "Pulumi.oke.yaml", "tools", "Makefile")

# Commands that change neither the stack nor the cluster.
READ_ONLY = (
    *(("kubectl", "get"), ("kubectl", "auth"), ("kubectl", "config"), ("helm", "history"), ("helm", "list")),
    *(("helm", "template"), ("pulumi", "preview"), ("pulumi", "config"), ("pulumi", "stack", "output")),
    *(("pulumi", "stack", "export"), ("pulumi", "stack", "history"), ("python", "-m", "delivery", "kubeconfig")),
)

# Secrets, which tests search for in files, logs and objects of the cluster.
CANARIES: Mapping[str, str] = {
    "cohereApiKey": "canary-cohere-7f3a91",
    "betterAuthSecret": "canary-auth-0123456789abcdef0123456789abcdef",
    "databaseUrl": "postgresql://todo:canary-database-5d2c@db.example.com/todo?sslmode=require",
    "kafkaUsername": "canary-user-88e1",
    "kafkaPassword": "canary-password-c40b",
}


@dataclass(frozen=True)
class Outcome:
    code: int
    text: str  # of both streams


@dataclass
class Project:
    """The project in `folder`, on the cluster of `kubeconfig`."""

    folder: Path
    kubeconfig: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])  # in addition to the usual one
    printed: list[str] = field(default_factory=list)  # the output of all Pulumi commands
    deployed: str | None = None  # the digest after the last `up`, until a command may have changed the stack

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def variables(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """Return the environment of its commands."""
        return os.environ | {
            "PATH": os.pathsep.join(
                [str(self.folder / "bin"), str(ROOT / ".tools/bin"), str(ROOT / ".venv/bin"), os.environ["PATH"]]
            ),
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE": "local",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "TMPDIR": str(self.folder),  # for the provider's copies of the kubeconfig
            **self.environment,
        }

    def start(self, *command: str, kubeconfig: Path | None = None) -> subprocess.Popen[str]:
        """Start a command in the project, with stderr in its stdout."""
        if not any(command[: len(each)] == each for each in READ_ONLY):
            self.deployed = None
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.variables(kubeconfig),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str, kubeconfig: Path | None = None) -> Outcome:
        """Run a command in the project, whether it succeeds or not."""
        with self.start(*command, kubeconfig=kubeconfig) as process:
            try:
                text, _ = process.communicate()
            except BaseException:  # no process may outlive the cluster
                process.terminate()
                raise
        if command[0] == "pulumi":
            self.printed.append(text)
        return Outcome(process.returncode, text)

    def do(self, *command: str, kubeconfig: Path | None = None) -> str:
        """Run a command that must succeed, and return its output."""
        outcome = self.run(*command, kubeconfig=kubeconfig)
        assert outcome.code == 0, f"{' '.join(command)} exited with {outcome.code}:\n{outcome.text}"
        return outcome.text

    def configure(self, **settings: str) -> None:
        self._set("--plaintext", settings)

    def configure_secret(self, **settings: str) -> None:
        self._set("--secret", settings)

    def _set(self, kind: str, settings: Mapping[str, str]) -> None:
        # In one command, because each derives the key for a quarter of a second.
        if settings:
            arguments = (argument for key, value in settings.items() for argument in (kind, f"{key}={value}"))
            self.do("pulumi", "config", "set-all", *arguments)

    def up(self, *arguments: str) -> str:
        shown = self.do("pulumi", "up", "--yes", "--skip-preview", *arguments)
        self.deployed = None if arguments else self.digest()
        return shown

    def digest(self) -> str:
        """Return a SHA-256 of the files that an `up` depends on."""
        paths = (path for name in COPIED for path in (self.folder / name, *(self.folder / name).rglob("*")))
        files = sorted(path for path in paths if path.is_file() and "__pycache__" not in path.parts)
        return hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in files)).hexdigest()

    def plan(self) -> Mapping[str, str]:
        """Return the changes of a preview, as {type::name: operation}."""
        steps = json.loads(self.do("pulumi", "preview", "--json"))["steps"]
        return {
            step["urn"].split("::", 2)[2].rpartition("$")[2]: step["op"]
            for step in steps
            if step["op"] not in ("same", "read")
        }

    def outputs(self) -> Mapping[str, Any]:
        return json.loads(self.do("pulumi", "stack", "output", "--json"))

    def resources(self) -> set[str]:
        """Return the URN of every resource in the state."""
        state = json.loads(self.do("pulumi", "stack", "export"))
        return {resource["urn"] for resource in state["deployment"].get("resources", [])}

    def get(self, *arguments: str) -> Any:
        """Return the output of `kubectl get`."""
        return json.loads(self.do("kubectl", "get", *arguments, "--output", "json"))

    def pods(self, app: str) -> Mapping[str, str]:
        """Return the live pods of an app, as {UID: image of the container with the app's name}."""
        return {
            pod["metadata"]["uid"]: container["image"]
            for pod in self.get("pods", "--all-namespaces", "--selector", f"app={app}")["items"]
            if "deletionTimestamp" not in pod["metadata"]
            for container in pod["spec"]["containers"]
            if container["name"] == app
        }

    def helm_history(self, release: str = "todo-app") -> Sequence[Mapping[str, Any]]:
        return json.loads(self.do("helm", "history", release, "--output", "json"))

    def helm_records(self) -> str:
        """Return everything that Helm stores about its releases: values, manifests, notes."""
        records = self.get("secrets", "--all-namespaces", "--field-selector", "type=helm.sh/release.v1")["items"]
        packed = (base64.b64decode(base64.b64decode(record["data"]["release"])) for record in records)
        return "\n".join(gzip.decompress(record).decode() for record in packed)


def copy_project(folder: Path) -> None:
    """Copy the project to `folder`, like a checkout after `make tools`."""
    folder.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    for tool in TOOLS:
        (folder / tool).symlink_to(ROOT / tool)


def make_project(
    folder: Path, kubeconfig: Path, stack: str = "local", environment: Mapping[str, str] | None = None
) -> Project:
    """Copy the project to `folder` and make a stack with the canaries as its secrets."""
    copy_project(folder)
    project = Project(folder, kubeconfig, environment or {})
    project.state.mkdir()
    local = folder / ".local"
    local.mkdir()
    shutil.copy(kubeconfig, local / "kubeconfig")
    project.do("pulumi", "stack", "select", "--create", stack)
    project.configure_secret(**CANARIES)
    return project
