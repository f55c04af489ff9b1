"""Where everything is measured: an embedded cluster and a folder that are gone afterwards."""

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

from tests.integration.project import ROOT, Project

BACKEND = "ghcr.io/example/todo-backend"
FRONTEND = "ghcr.io/example/todo-frontend:sha-0000000"
"""The frontend's image never changes, so that no change is one of two."""

Tell = Callable[[str], None]

_LAST_LINES = 20


class BenchError(Exception):
    """Something that was to be measured did not work; the message is for the user."""


@dataclass(frozen=True)
class Testbed:
    """folder: for whatever a measurement writes; kubeconfig: of the cluster; environment: for its projects."""

    folder: Path
    kubeconfig: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Delivered:
    """What the cluster has: the backend's image, and the Kafka password in its secret."""

    image: str
    password: str


@contextmanager
def testbed() -> Generator[Testbed]:
    """A cluster with nothing on it, until the block is done. Raises BenchError."""
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
    """The user's plug-ins in a folder of its own, where the engine leaves its logs and which stack is selected."""
    home = folder / "pulumi"
    home.mkdir()
    own = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    (home / "plugins").symlink_to(own / "plugins")
    return home


def timed(project: Project, *command: str) -> float:
    """The seconds that a command takes, from its start to its end. Raises BenchError where it fails."""
    begun = time.monotonic()
    outcome = project.run(*command)
    seconds = time.monotonic() - begun
    if outcome.code != 0:
        raise BenchError(f"`{' '.join(command[:4])}` failed:\n{last_lines(outcome.text)}")
    return seconds


def delivered(project: Project) -> Delivered:
    """What the cluster has of the app, in the kubeconfig's own namespace."""
    containers = project.get("deployment", "backend")["spec"]["template"]["spec"]["containers"]
    password = project.get("secret", "kafka-secrets")["data"]["password"]
    return Delivered(containers[0]["image"], base64.b64decode(password).decode())


def last_lines(text: str) -> str:
    """The end of what a command printed, which tells why it failed."""
    return "\n".join(text.rstrip().splitlines()[-_LAST_LINES:])


def _run(command: list[str]) -> None:
    environment = os.environ | {"PATH": os.pathsep.join([str(ROOT / ".tools/bin"), os.environ["PATH"]])}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchError(done.stderr.strip().removeprefix("error: "))
