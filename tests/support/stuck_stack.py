"""A stand-in for a stack that is stuck: the `pulumi` and `helm` commands and the cluster's API, as a test says."""

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import example
from tests.support.api_server import Answer, ApiServer, helm_record
from tests.support.commands import StandIn

_PULUMI = """\
cd {folder}
case "$1 $2" in
  "stack get") cat summary ;;
  "stack rename") [ "$3 $4 $5" = "oke --stack oke" ] || exit 98; cat lock >&2; exit 255 ;;
  "stack export")
     if [ -e damaged ] && ! ls "$(cat states)" | grep -q '[.]damaged$'; then
       cat damaged; cat refusal >&2; [ ! -s refusal ]; exit
     fi
     cat state ;;
  "whoami --json") cat backend ;;
  "state get") cat provider ;;
  "config --json") cat settings ;;
  "preview --json") cat planned ;;
  "hold "*) read -r _ ;;
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
COMPONENT = "urn:pulumi:oke::todo-oke::todo:release:AppRelease::todo-app"
RELEASE = "urn:pulumi:oke::todo-oke::todo:release:AppRelease$kubernetes:helm.sh/v3:Release::todo-app"
RECORDS = "/api/v1/namespaces/todo/secrets"
BASE: Sequence[Mapping[str, Any]] = [
    {"urn": STACK, "type": "pulumi:pulumi:Stack"},
    {"urn": PROVIDER, "type": "pulumi:providers:kubernetes", "id": "4711"},
    {"urn": COMPONENT, "type": "todo:release:AppRelease"},
]
RELEASED: Mapping[str, Any] = {
    "urn": RELEASE,
    "type": "kubernetes:helm.sh/v3:Release",
    "parent": COMPONENT,
    "provider": f"{PROVIDER}::4711",
    "inputs": {"name": "todo-app", "namespace": "todo", "timeout": 120},
}


class StuckStack:
    """The stack `oke`, of which nothing is stuck at first. Whatever has `by` comes true once that command has run."""

    def __init__(self, folder: Path, cluster: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        self._folder = folder
        self._pulumi, self._helm = (StandIn(name, folder, monkeypatch) for name in ("pulumi", "helm"))
        self._pulumi.does(_PULUMI.format(folder=folder))
        self._helm.does(_HELM.format(folder=folder))
        cluster.answers = _Answers(folder / "records")
        self._say("summary", {"stack": "oke"})
        self._say("settings", {"todo-oke:namespace": {"value": "todo", "secret": False}})
        self.is_reached_by(yaml.safe_dump(example.kubeconfig(cluster.url)))
        self.is_locked("error: a stack named oke already exists")
        self.has_state([*BASE, RELEASED])
        self.has_revisions("superseded", "deployed")
        self.plans()

    @property
    def changes(self) -> list[str]:
        """The commands that changed something, in order."""
        looks = ("stack get", "stack rename", "stack export", "state get", "preview --json", "whoami --json")
        looks += ("config --json",)
        said = [" ".join(["pulumi", *call]) for call in self._pulumi.calls if " ".join(call[:2]) not in looks]
        return said + [" ".join(["helm", *call]) for call in self._helm.calls]

    @property
    def seen_by_helm(self) -> Mapping[str, str]:
        return {what: (self._folder / f"seen-{what}").read_text() for what in ("mode", "kubeconfig", "environment")}

    def is_locked(self, refusal: str, by: str = "") -> None:
        self._write("lock", refusal, by)

    def is_in_pulumi_cloud(self, **running: Any) -> None:
        self._say("summary", {"stack": "oke", "version": 7, **({"currentOperation": running} if running else {})})

    def has_state(
        self, resources: Sequence[Mapping[str, Any]], *pending: tuple[str, Mapping[str, Any]], by: str = ""
    ) -> None:
        operations = [{"type": kind, "resource": resource} for kind, resource in pending]
        self._say("state", {"deployment": {"resources": resources, "pending_operations": operations}}, by)

    def keeps_state_in(self, url: str) -> None:
        self._say("backend", {"user": "ann", "url": url})

    def is_damaged(self, states: Path, refusal: str, resources: Sequence[Mapping[str, Any]] = ()) -> None:
        """Until a damaged state is kept in the folder `states`; refusal: what the engine says, or else resources."""
        self._write("states", str(states), "")
        self._write("refusal", refusal, "")
        self._say("damaged", {"deployment": {"resources": resources}})

    def has_revisions(self, *statuses: str, by: str = "") -> None:
        records = [helm_record(number, "", "", status) for number, status in enumerate(statuses, 1)]
        self._say("records", {"metadata": {}, "items": [*reversed(records)]}, by)

    def plans(self, *created: Mapping[str, Any], by: str = "") -> None:
        unchanged = [{"op": "same", "newState": resource} for resource in BASE]
        self._say("planned", {"steps": [*unchanged, *({"op": "create", "newState": one} for one in created)]}, by)

    def is_reached_by(self, kubeconfig: str) -> None:
        self._say("provider", {"inputs": {"kubeconfig": kubeconfig, "context": "example"}})

    def fails_with(self, error: str) -> None:
        self._write("failing", error, "")

    def start_update(self) -> subprocess.Popen[bytes]:
        """A process that looks like one of the engine, until its standard input is closed."""
        return subprocess.Popen(["pulumi", "hold", ""], stdin=subprocess.PIPE)

    def leave_provider(self, engine: str, *options: str) -> subprocess.Popen[bytes]:
        """A process that looks like the Kubernetes provider of the engine at an address, started in this folder."""
        provider = self._folder / "pulumi-resource-kubernetes"
        if not provider.exists():
            provider.symlink_to(shutil.which("cat") or "")
        os.mkfifo(engine)  # it waits for somebody to write there
        return subprocess.Popen([provider, *options, engine])

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
