"""A double of a stuck stack: the `pulumi` and `helm` commands and the API server, as a test sets them."""

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import example
from tests.support.api_server import Answer, ApiServer, helm_record
from tests.support.command_line import Delivery
from tests.support.commands import StandIn
from tests.support.terminal import Terminal

_PULUMI = """\
cd {folder}
case "$1 $2" in
  "stack get") cat summary ;;
  "stack rename") [ "$3 $4 $5" = "oke --stack oke" ] || exit 98; cat lock >&2; exit 255 ;;
  "stack export") if [ -e unreadable ]; then cat unreadable >&2; exit 1; else cat state; fi ;;
  "whoami --json") cat backend ;;
  "state get") cat provider ;;
  "config --json") cat settings ;;
  "preview --json") cat planned ;;
  "hold "*) "$2" ;;
  *) [ -e failing ] && cat failing >&2 && exit 255
     for what in lock state records planned; do [ ! -e "$1-$what" ] || mv "$1-$what" $what; done ;;
esac
"""
_HELM = """\
cd {folder}
ls -l "$KUBECONFIG" | cut -c1-10 > seen-mode; cat "$KUBECONFIG" > seen-kubeconfig; env > seen-environment
for what in state records planned; do [ ! -e "helm-$what" ] || mv "helm-$what" $what; done
"""
USER = pwd.getpwuid(os.getuid()).pw_name  # whom the engine names in a lock
STACK = "urn:pulumi:oke::todo-oke::pulumi:pulumi:Stack::todo-oke-oke"
PROVIDER = "urn:pulumi:oke::todo-oke::pulumi:providers:kubernetes::cluster"
COMPONENT = "urn:pulumi:oke::todo-oke::todo:app:AppRelease::todo-app"
RELEASE = "urn:pulumi:oke::todo-oke::todo:app:AppRelease$kubernetes:helm.sh/v3:Release::todo-app"
RECORDS = "/api/v1/namespaces/todo/secrets"
BASE: Sequence[Mapping[str, Any]] = [
    {"urn": STACK, "type": "pulumi:pulumi:Stack"},
    {"urn": PROVIDER, "type": "pulumi:providers:kubernetes", "id": "4711"},
    {"urn": COMPONENT, "type": "todo:app:AppRelease"},
]
RELEASED: Mapping[str, Any] = {
    "urn": RELEASE,
    "type": "kubernetes:helm.sh/v3:Release",
    "parent": COMPONENT,
    "provider": f"{PROVIDER}::4711",
    "inputs": {"name": "todo-app", "namespace": "todo", "timeout": 120},
}
CUT_SHORT = "failed to load checkpoint: unexpected end of JSON input"
UNLOCKED = "error: a stack named oke already exists"
DEAD_PID = 2**22 + 1  # above the highest number that Linux gives a process


def locked(host: str, pid: int) -> str:
    """How the engine names the holder of a lock."""
    return (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the "
        "lock file with `pulumi cancel`.\n  s3://todo-state/.pulumi/locks/organization/todo-oke/oke/5e.json: "
        f"created by {USER}@{host} (pid {pid}) at 2026-11-24T02:31:41Z\n"
    )


class StuckStack:
    """The stack `oke`, healthy at first. With `by` a change takes effect when that command runs."""

    def __init__(self, folder: Path, cluster: ApiServer, delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        self.cluster, self._folder, self._delivery, self._monkeypatch = cluster, folder, delivery, monkeypatch
        self._pulumi, self._helm = (StandIn(name, folder, monkeypatch) for name in ("pulumi", "helm"))
        self._pulumi.does(_PULUMI.format(folder=folder))
        self._helm.does(_HELM.format(folder=folder))
        cluster.answers = _Answers(folder / "records")
        self.keeps_state_in("s3://todo-state")
        self._say("settings", {"todo-oke:namespace": {"value": "todo", "secret": False}})
        self.has_provider_of(yaml.safe_dump(example.kubeconfig(cluster.url)))
        self.is_locked(UNLOCKED)
        self.has_state([*BASE, RELEASED])
        self.has_revisions("superseded", "deployed")
        self.plans()

    def recover(self, *, answers: str | None = None, code: int = 0) -> str:
        """Run `recover` with --yes, or at a terminal where somebody types answers, and return what it printed."""
        if answers is not None:
            self._monkeypatch.setattr("sys.stdin", Terminal(answers))
        out, err = self._delivery("recover", "--stack", "oke", *(["--yes"] if answers is None else []), code=code)
        assert ("Nothing is stuck" in out) == (code == 0)
        return out + err

    @property
    def changes(self) -> list[str]:
        """The commands that changed something, in order."""
        looks = ("stack", "state", "preview", "whoami", "config")
        said = [" ".join(["pulumi", *call]) for call in self._pulumi.calls if call[0] not in looks]
        return said + [" ".join(["helm", *call]) for call in self._helm.calls]

    @property
    def seen_by_helm(self) -> Mapping[str, str]:
        return {what: (self._folder / f"seen-{what}").read_text() for what in ("mode", "kubeconfig", "environment")}

    def is_locked(self, refusal: str, by: str = "") -> None:
        self._write("lock", refusal, by)

    def is_in_pulumi_cloud(self, **running: Any) -> None:
        self.keeps_state_in("https://app.pulumi.com/ann")
        self._say("summary", {"stack": "oke", "version": 7, **({"currentOperation": running} if running else {})})

    def has_state(
        self, resources: Sequence[Mapping[str, Any]], *pending: tuple[str, Mapping[str, Any]], by: str = ""
    ) -> None:
        operations = [{"type": kind, "resource": resource} for kind, resource in pending]
        self._say("state", {"deployment": {"resources": resources, "pending_operations": operations}}, by)

    def keeps_state_in(self, url: str) -> None:
        self._say("backend", {"user": "ann", "url": url})

    def has_unreadable_state(self, error: str) -> None:
        self._write("unreadable", error, "")

    def has_revisions(self, *statuses: str, by: str = "") -> None:
        records = [helm_record(number, "", "", status) for number, status in enumerate(statuses, 1)]
        self._say("records", {"metadata": {}, "items": [*reversed(records)]}, by)

    def plans(self, *created: Mapping[str, Any], by: str = "") -> None:
        unchanged = [{"op": "same", "newState": resource} for resource in BASE]
        self._say("planned", {"steps": [*unchanged, *({"op": "create", "newState": one} for one in created)]}, by)

    def has_provider_of(self, kubeconfig: str) -> None:
        self._say("provider", {"inputs": {"kubeconfig": kubeconfig, "context": "example"}})

    def fails_with(self, error: str) -> None:
        self._write("failing", error, "")

    def start_update(self) -> subprocess.Popen[bytes]:
        """Start a process with the name of the engine's, which runs until its standard input is closed."""
        return subprocess.Popen(["pulumi", "hold", "cat"], stdin=subprocess.PIPE)

    @contextmanager
    def provider(self, folder: Path, engine: str | None = None) -> Generator[subprocess.Popen[bytes]]:
        """Run a process with the name of the Kubernetes provider's in a folder: an orphan, or a child of an engine."""
        provider = self._folder / "pulumi-resource-kubernetes"
        if not provider.exists():
            provider.symlink_to(shutil.which("cat") or "")
        command = [engine, "hold", provider] if engine else [provider]
        running = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert running.stdin
        assert running.stdout
        running.stdin.write(b"started\n")
        running.stdin.flush()
        running.stdout.readline()
        try:
            yield running
        finally:
            running.communicate()

    def _say(self, what: str, document: object, by: str = "") -> None:
        self._write(what, json.dumps(document), by)

    def _write(self, what: str, text: str, by: str) -> None:
        (self._folder / (f"{by}-{what}" if by else what)).write_text(text)


class _Answers(dict[str, Answer]):
    """What the API server has: Helm's records as they are in a file."""

    def __init__(self, records: Path) -> None:
        super().__init__({RECORDS: Answer(None)})
        self._records = records

    def __getitem__(self, key: str) -> Answer:
        return Answer(self._records.read_bytes()) if key == RECORDS else super().__getitem__(key)
