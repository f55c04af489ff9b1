"""The images that are still in their registry, by `crane` with the credentials of Docker."""

import json
import os
from dataclasses import dataclass
from typing import Any, Literal

from system.errors import UserError
from system.process import run

_TIMEOUT = 20.0  # seconds
# The codes for a missing image. GitHub's registry responds DENIED for one that it hides, which proves nothing.
# Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
_GONE = ("MANIFEST_UNKNOWN", "NAME_UNKNOWN", "404 Not Found")


@dataclass(frozen=True)
class Status:
    """The status of an image in its registry."""

    state: Literal["found", "gone", "unknown"]
    detail: str = ""  # of a state that is not found


def check(image: str, timeout: float = _TIMEOUT) -> Status:
    """Return the status of an image; image: a reference.

    Of an image for several platforms each manifest is checked too: the clean-up of a registry may delete those and keep
    the index, and then no node can pull it.
    """
    status, manifest = _manifest(image, timeout)
    repository = image.partition("@")[0]
    for child in manifest.get("manifests", []) if status.state == "found" else []:
        platform = child.get("platform", {})
        if platform.get("architecture") == "unknown":  # an attestation, which nobody pulls
            continue
        own, _ = _manifest(f"{repository}@{child['digest']}", timeout)
        if own.state != "found":
            return Status(own.state, f"{platform.get('os')}/{platform.get('architecture')}: {own.detail}")
    return status


def command(image: str) -> str:
    """Return the command of this check."""
    return f"crane manifest {image}"


def _manifest(image: str, timeout: float) -> tuple[Status, dict[str, Any]]:
    try:
        done = run(["crane", "manifest", image], os.environ, seconds=timeout)
    except UserError as error:
        return Status("unknown", error.message), {}
    if done.code == 0:
        return Status("found"), json.loads(done.output)
    error = done.errors.strip().rpartition("\n")[2].removeprefix(f"Error: fetching manifest {image}: ")
    return Status("gone" if any(code in done.errors for code in _GONE) else "unknown", error), {}
