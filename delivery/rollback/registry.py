"""Whether images are still in their registry, asked of it by `crane` as whoever is logged in with Docker."""

import json
import os
from dataclasses import dataclass
from typing import Any, Literal

from system.errors import UserError
from system.process import run

_SECONDS = 20
# What says that there is no such image. GitHub's registry answers DENIED too for one that it does not show.
# Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
_GONE = ("MANIFEST_UNKNOWN", "NAME_UNKNOWN", "404 Not Found")


@dataclass(frozen=True)
class Answer:
    """found: it is there, whole; gone: the registry has it no more; unknown: it did not tell. detail: why, or where."""

    state: Literal["found", "gone", "unknown"]
    detail: str = ""


def ask(image: str) -> Answer:
    """Whether the registry has an image; image: its reference, with a digest.

    Of an image for several platforms each one's own manifest is asked for too: what cleans up a registry can take those
    away and leave the index, and then no node could pull it.
    """
    answer, manifest = _manifest(image)
    repository = image.partition("@")[0]
    for child in manifest.get("manifests", []) if answer.state == "found" else []:
        platform = child.get("platform", {})
        if platform.get("architecture") == "unknown":  # no platform's: an attestation, which nobody pulls
            continue
        own, _ = _manifest(f"{repository}@{child['digest']}")
        if own.state != "found":
            return Answer(own.state, f"{platform.get('os')}/{platform.get('architecture')}: {own.detail}")
    return answer


def command(image: str) -> str:
    """What asks the same on a terminal."""
    return f"crane manifest {image}"


def _manifest(image: str) -> tuple[Answer, dict[str, Any]]:
    try:
        done = run(["crane", "manifest", image], os.environ, seconds=_SECONDS)
    except UserError as error:
        return Answer("unknown", " ".join(str(error).split())), {}
    if done.code == 0:
        return Answer("found"), json.loads(done.output)
    told = done.errors.strip().rpartition("\n")[2].removeprefix(f"Error: fetching manifest {image}: ")
    return Answer("gone" if any(code in done.errors for code in _GONE) else "unknown", told), {}
