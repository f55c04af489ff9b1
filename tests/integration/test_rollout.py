"""Rollouts that cannot succeed, and one that is only slow, by Helm itself on a real API server.

All at once, each in a namespace of its own, because what costs time here is to wait.
"""

import asyncio
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kube import kubeconfig as kubeconfigs
from kube.drift import find_drift
from kube.helm import deployed_record
from kube.rollout.watcher import RolloutWatcher
from tests.support.project import ROOT

pytestmark = pytest.mark.integration

CHART = ROOT / "infra/helm/todo-app"
TIMEOUT_SECONDS = 300
# Each pod is small, for all of them share two nodes.
SMALL = {"requests": {"cpu": "5m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "32Mi"}}
HUGE = {"requests": {"cpu": "3", "memory": "16Mi"}, "limits": {"cpu": "3", "memory": "32Mi"}}


@dataclass(frozen=True)
class Case:
    """after_a_good_one: whether it is an upgrade. pods: a quota that is set before the release, or None for none."""

    changes: Mapping[str, Any]
    after_a_good_one: bool = False
    pods: int | None = None


@dataclass(frozen=True)
class Ended:
    """What Helm said, when it ended after so many seconds, and what the watcher reported; the state that was left."""

    code: int
    said: str
    seconds: float
    messages: Sequence[str]
    statuses: Sequence[str]
    drift: Sequence[str]


def frontend(tag: str, **more: Any) -> Mapping[str, Any]:
    return {"frontend": {"image": f"r.example/frontend:{tag}", **more}}


CASES: Mapping[str, Case] = {
    "image": Case(frontend("missing"), after_a_good_one=True),
    "crash": Case(frontend("crash")),
    "config": Case(frontend("misconfigured")),
    "quota": Case({**frontend("new"), "backend": {"migrations": {"enabled": False}}}, after_a_good_one=True, pods=2),
    "node": Case(frontend("new", resources=HUGE), after_a_good_one=True),
    "hook-image": Case({"backend": {"image": "r.example/backend:missing"}}, after_a_good_one=True),
    "hook-quota": Case({}, pods=0),
    "slow": Case(frontend("slow")),
}


@dataclass(frozen=True)
class Namespace:
    """One release of the chart, with the tools and the kubeconfig that the tests have."""

    name: str
    kubeconfig: Path
    folder: Path

    async def run(self, *command: str) -> tuple[int, str]:
        path = os.pathsep.join([str(ROOT / ".tools/bin"), os.environ["PATH"]])
        process = await asyncio.create_subprocess_exec(
            *command,
            env=os.environ | {"PATH": path, "KUBECONFIG": str(self.kubeconfig)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await process.communicate())[0].decode()
        assert process.returncode is not None
        return process.returncode, said

    async def do(self, *command: str) -> str:
        code, said = await self.run(*command)
        assert code == 0, said
        return said

    async def release(self, changes: Mapping[str, Any]) -> tuple[int, str]:
        values: dict[str, dict[str, Any]] = {
            app: {"image": f"r.example/{app}:good", "replicas": 1, "resources": SMALL, **changes.get(app, {})}
            for app in ("frontend", "backend")
        }
        file = self.folder / f"{self.name}.json"
        file.write_text(json.dumps(values))
        return await self.run(
            "helm", "upgrade", "--install", "todo-app", str(CHART), "--namespace", self.name, "--values", str(file),
            "--atomic", "--cleanup-on-fail", "--wait-for-jobs", "--timeout", f"{TIMEOUT_SECONDS}s",
        )  # fmt: skip

    async def follow(self, case: Case) -> Ended:
        """Releases as a stack does, with a watcher."""
        await self.do("kubectl", "create", "namespace", self.name)
        if case.after_a_good_one:
            code, said = await self.release({})
            assert code == 0, said
        if case.pods is not None:
            await self.do("kubectl", "create", "quota", "few", f"--hard=pods={case.pods}", "--namespace", self.name)
        client = kubeconfigs.read(str(self.kubeconfig), "").async_client()
        watcher = RolloutWatcher(client, self.name, "todo-app", ["app-secrets", "kafka-secrets"])
        await watcher.start()
        watching = asyncio.create_task(watcher.watch(lambda _: None))
        begun = time.monotonic()
        code, said = await self.release(case.changes)
        seconds = time.monotonic() - begun
        watching.cancel()
        listed = await self.do("helm", "list", "--all", "--namespace", self.name, "--output", "json")
        record = await deployed_record(client, self.name, "todo-app")
        drift = await find_drift(client, self.name, record.manifest) if record else []
        statuses = [release["status"] for release in json.loads(listed)]
        return Ended(code, said, seconds, watcher.messages, statuses, drift)


@pytest.fixture(scope="module")
def ended(cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Ended]]:
    """How each case ended."""
    folder = tmp_path_factory.mktemp("releases")
    namespaces = {case: Namespace(f"release-{case}", cluster, folder) for case in CASES}

    async def all_of_them() -> Mapping[str, Ended]:
        results = await asyncio.gather(*(namespaces[case].follow(CASES[case]) for case in CASES))
        return dict(zip(CASES, results, strict=True))

    async def clean_up() -> None:
        names = [namespace.name for namespace in namespaces.values()]
        await Namespace("", cluster, folder).run("kubectl", "delete", "namespace", *names, "--wait=false")

    try:
        yield asyncio.run(all_of_them())
    finally:
        asyncio.run(clean_up())


@pytest.mark.parametrize(
    ("case", "cause"),
    [
        ("image", "frontend: container frontend is in ImagePullBackOff: "),
        ("crash", "frontend: container frontend is in CrashLoopBackOff: "),
        ("config", 'frontend: container frontend is in CreateContainerConfigError: secret "of-nobody" not found'),
        ("quota", "frontend: cannot create a pod: pods "),
        ("node", "frontend: cannot schedule its pod: 0/2 nodes are available: 2 Insufficient cpu."),
        ("hook-image", "migrations: container migrations is in ImagePullBackOff: "),
        ("hook-quota", "migrations: cannot create a pod: Error creating: pods "),
    ],
)
def test_rollout_that_cannot_succeed_is_aborted_with_its_cause(
    ended: Mapping[str, Ended], case: str, cause: str
) -> None:
    release = ended[case]

    assert release.code != 0
    assert release.seconds < TIMEOUT_SECONDS / 5
    assert release.messages[0].startswith(cause)
    assert "the rollout cannot succeed" in release.messages[-1]
    trace = release.messages[-1].partition("Helm reports this as: ")[2]
    assert trace
    assert trace in release.said


@pytest.mark.parametrize("case", [name for name, case in CASES.items() if case.after_a_good_one])
def test_aborted_upgrade_is_rolled_back(ended: Mapping[str, Ended], case: str) -> None:
    assert "has been rolled back due to atomic being set" in ended[case].said
    assert ended[case].statuses == ["deployed"]
    assert ended[case].drift == []  # the abort Service exists again


@pytest.mark.parametrize("case", ["crash", "config", "hook-quota"])
def test_aborted_install_is_uninstalled(ended: Mapping[str, Ended], case: str) -> None:
    assert "has been uninstalled due to atomic being set" in ended[case].said
    assert ended[case].statuses == []


def test_slow_start_is_not_aborted(ended: Mapping[str, Ended]) -> None:
    assert ended["slow"].code == 0, ended["slow"].said
    assert ended["slow"].seconds > 25
    assert ended["slow"].messages == []
