"""A temporary embedded cluster and folder for measurements."""

import base64
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from settings.names import APPS
from system.errors import UserError
from tests.support.project import ROOT, Project

FIRST_TAG = "sha-0000000"

Echo = Callable[[str], None]

_LAST_LINES = 20


@dataclass(frozen=True)
class Testbed:
    """A temporary cluster."""

    folder: Path  # temporary, for the projects
    kubeconfig: Path
    environment: Mapping[str, str]  # for the projects' commands


@dataclass(frozen=True)
class Delivered:
    """The state of the app in the cluster: its images, and the Kafka password in its secret."""

    frontend: str
    backend: str
    password: str


@contextmanager
def testbed() -> Generator[Testbed]:
    """Run an empty cluster for the block. Raises UserError."""
    embedded = [sys.executable, str(ROOT / "tools/embedded")]
    with tempfile.TemporaryDirectory(prefix="todo-oke-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        cluster = folder / "cluster"
        try:
            _run([*embedded, "up", str(cluster)])
            yield Testbed(folder, cluster / "kubeconfig", {"PULUMI_HOME": str(_pulumi_home(folder))})
        finally:
            _run([*embedded, "down", str(cluster)])


def _pulumi_home(folder: Path) -> Path:
    """Return a home for the engine's logs and selected stack, with the user's plug-ins."""
    home = folder / "pulumi"
    home.mkdir()
    own = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    (home / "plugins").symlink_to(own / "plugins")
    return home


def timed(project: Project, *command: str) -> float:
    """Return the duration of a command in seconds. Raises UserError where it fails."""
    begun = time.monotonic()
    outcome = project.run(*command)
    seconds = time.monotonic() - begun
    if outcome.code != 0:
        raise UserError(f"`{' '.join(command[:4])}` failed:\n{last_lines(outcome.text)}")
    return seconds


def delivered(project: Project) -> Delivered:
    """Return the state of the app in the kubeconfig's namespace."""
    deployments = project.get("deployment", *APPS)["items"]
    images = [each["spec"]["template"]["spec"]["containers"][0]["image"] for each in deployments]
    password = project.get("secret", "kafka-secrets")["data"]["password"]
    return Delivered(*images, password=base64.b64decode(password).decode())


def image(app: str, tag: str) -> str:
    """Return the reference of an app's image; the embedded cluster simulates every tag."""
    return f"ghcr.io/example/todo-{app}:{tag}"


def last_lines(text: str) -> str:
    """Return the end of a command's output."""
    return "\n".join(text.rstrip().splitlines()[-_LAST_LINES:])


def _run(command: list[str]) -> None:
    environment = os.environ | {"PATH": os.pathsep.join([str(ROOT / ".tools/bin"), os.environ["PATH"]])}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        message, _, hint = done.stderr.strip().removeprefix("error: ").partition("\nhint: ")
        raise UserError(message, hint or None)
