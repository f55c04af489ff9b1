"""What an update would change though nobody asked for a change: a refreshed preview, reduced to names."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from delivery import CommandError
from delivery.stack import resource_of

# A step of these changes nothing: what a refresh finds different is a step of its own, of the preview that follows it.
_UNCHANGED = {"same", "read", "refresh"}
_REPLACEMENT = {"replace", "create-replacement", "delete-replaced"}


def find(stack: str) -> Sequence[str]:
    """What a preview of the stack would do after a refresh, one line for each resource: `update TYPE::NAME`.

    No line has a value of a resource. The engine's own errors reach standard error, with their secrets masked.

    Raises CommandError where there is no preview.
    """
    command = ["pulumi", "preview", "--stack", stack, "--refresh", "--json", "--non-interactive", "--color", "never"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    except FileNotFoundError:
        raise CommandError("There is no command pulumi.\n    make tools   installs it into .tools/bin") from None
    try:
        preview = json.loads(done.stdout or "{}")
    except ValueError:
        preview = {}
    if done.returncode or "steps" not in preview:
        raise CommandError(_failure(stack, preview))
    operations: dict[str, str] = {}
    for step in preview["steps"]:
        if step["op"] not in _UNCHANGED:
            operations[step["urn"]] = "replace" if step["op"] in _REPLACEMENT else step["op"]
    return sorted(f"{operation} {resource_of(urn)}" for urn, operation in operations.items())


def _failure(stack: str, preview: Mapping[str, Any]) -> str:
    errors = [told["message"].strip() for told in preview.get("diagnostics", []) if told["severity"] == "error"]
    tried = f"There is no preview of stack {stack}.\n    pulumi preview --stack {stack} --refresh   tells more"
    return "\n".join([tried, *errors])
