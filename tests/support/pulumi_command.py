"""A double of the `pulumi` command, with the updates, tags, steps and outputs that a test sets."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import StandIn

_SCRIPT = """\
cd {folder}
case "$1 $2 $3" in
  "stack history "*) case "$*" in
    *--show-secrets*) if [ -e locked ]; then exit 255; else cat history; fi ;;
    *"--page-size 0 "*) cat history ;; *) exit 98 ;; esac ;;
  "stack tag ls") cat tags ;;
  "stack tag set") printf '{{"%s": "%s"}}' "$4" "$5" > tags; exit $(cat tagging) ;;
  "stack export --show-secrets")
    if [ -e locked ]; then echo "error: incorrect passphrase" >&2; exit 255; else cat state; fi ;;
  "stack export --version") cat "export-$4" ;;
  "stack output --json") cat outputs ;;
  "config --json --show-secrets") cat config ;;
  "config set "*) printf '%s=%s\n' "$3" "$(cat)" >> set ;;
  "install "*) echo "$OLDPWD" > installed; exit $(cat installing) ;;
  "preview --json "*)
    echo "$PATH" > path
    rm -rf seen && cp -R "$OLDPWD/.local/rollback" seen
    cat preview
    exit $(cat previewing) ;;
  "preview --refresh --json") cat preview ;;
  "up "*) exit $(cat updating) ;;
  *) exit 99 ;;
esac
"""


class PulumiCommand:
    """The double and what it saw."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        self._folder = folder
        self.seen = folder / "seen"  # the files of a rollback, as they were at its preview
        self._command = StandIn("pulumi", folder, monkeypatch)
        self._command.does(_SCRIPT.format(folder=folder))
        self.tagged("")
        self.has_secrets()
        for what in ("previewing", "updating", "tagging", "installing"):
            self.exits(what, 0)

    @property
    def calls(self) -> Sequence[str]:
        return [" ".join(call) for call in self._command.calls]

    @property
    def path(self) -> Sequence[str]:
        """The PATH of the last preview."""
        return (self._folder / "path").read_text().strip().split(":")

    @property
    def installed(self) -> Path:
        """The folder whose packages were installed."""
        return Path((self._folder / "installed").read_text().strip())

    @property
    def updated(self) -> Sequence[str]:
        return [call for call in self.calls if call.startswith("up ")]

    @property
    def verified(self) -> str:
        return json.loads((self._folder / "tags").read_text()).get("verified", "")

    def exits(self, what: str, code: int) -> None:
        (self._folder / what).write_text(str(code))

    def tagged(self, verified: str) -> None:
        (self._folder / "tags").write_text(json.dumps({"verified": verified} if verified else {}))

    def made(self, *updates: Mapping[str, Any]) -> None:
        """Set the updates so far, the oldest first."""
        self._say("history", [*reversed(updates)])

    def previews(self, *steps: Mapping[str, Any]) -> None:
        self._say("preview", {"steps": steps})

    def fails_to_preview(self, *errors: str) -> None:
        diagnostics = [{"severity": "error", "message": error} for error in errors]
        self._say("preview", {"diagnostics": [{"severity": "warning", "message": "warning: any"}, *diagnostics]})
        self.exits("previewing", 255)

    def exports(self, version: int, outputs: Mapping[str, Any]) -> None:
        stack = {"type": "pulumi:pulumi:Stack", "outputs": outputs}
        self._say(f"export-{version}", {"deployment": {"resources": [{"type": "other:index:Other"}, stack]}})

    def has_outputs(self, outputs: Mapping[str, Any]) -> None:
        self._say("outputs", outputs)

    def has_state(self, *resources: Mapping[str, Any]) -> None:
        """Set the resources of the decrypted state."""
        self._say("state", {"version": 3, "deployment": {"resources": resources}})

    def has_no_passphrase(self) -> None:
        (self._folder / "locked").touch()

    def has_secrets(self, **values: str) -> None:
        """Set today's encrypted settings."""
        config = {f"todo-oke:{key}": {"value": value, "secret": True} for key, value in values.items()}
        self._say("config", {**config, "todo-oke:nodeCount": {"value": "2", "secret": False}})

    @property
    def secrets_set(self) -> Sequence[str]:
        """The secrets that were encrypted into a file, as KEY=VALUE."""
        noted = self._folder / "set"
        return noted.read_text().splitlines() if noted.exists() else []

    def _say(self, what: str, document: object) -> None:
        (self._folder / what).write_text(json.dumps(document))


def update(commit: str, **settings: str) -> dict[str, Any]:
    """An update that succeeded, as the history of a bucket has it to somebody without the passphrase."""
    config = {f"todo-oke:{key}": {"value": value, "secret": False} for key, value in settings.items()}
    return {
        "version": 0,
        "kind": "update",
        "startTime": "2025-11-24T02:31:41.000Z",
        "message": "Lists can be shared\n\nAnd more.",
        "environment": {"git.head": commit, "git.author": "Ann", "git.dirty": "false"} if commit else {},
        "config": {**config, "todo-oke:kafkaPassword": {"secret": True}},
        "result": "succeeded",
        "resourceChanges": {"same": 30, "update": 2},
    }


def with_secrets(made: Mapping[str, Any], **values: str) -> dict[str, Any]:
    """An update as somebody with the passphrase sees it."""
    secrets = {f"todo-oke:{key}": {"value": value, "secret": True} for key, value in values.items()}
    plain = {key: value for key, value in made["config"].items() if not value["secret"]}
    return {**made, "config": {**plain, **secrets}}


def step(operation: str, kind: str, name: str, **state: Any) -> dict[str, Any]:
    """A step of a preview."""
    urn = f"urn:pulumi:oke::todo-oke::todo:app:AppRelease${kind}::{name}"
    return {"op": operation, "urn": urn, "oldState": {"type": kind, **state}}
