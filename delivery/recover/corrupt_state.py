"""A state that is not the stack's any more: cut short by a full disk, emptied, or another stack's.

The engine (3.259.0) puts a state in place even where the disk was full, and is silent on the copy (.bak) that it could
not make either.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from delivery.engine import stack, stack_config
from delivery.recover import lock
from delivery.recover.finding import Finding
from delivery.recover.folder import Saved, StackFiles, stack_files
from system.errors import UserError

# Where the backend itself does not answer, it says so in place of what follows: blob (key "…") (code=…).
_UNREADABLE = re.compile(r"failed to load checkpoint: (?!blob\b)(?P<why>.+)")


@dataclass(frozen=True)
class _Damage:
    """what: a predicate of the state; cause: a sentence or two."""

    what: str
    cause: str


def find(name: str) -> Finding | None:
    """A damaged state of a stack, or, first, the lock that an update has left beside it.

    Raises UserError where an update is running, where the backend is no folder and so is nothing to write in from
    here, and where no whole state is left.
    """
    damage = _damage(name)
    if not damage:
        return None
    url = stack.backend()
    project, short = _project(name), _short(name)
    if not url.startswith("file://"):
        raise UserError(f"The state of stack {name} {damage.what}. {damage.cause}\n{_elsewhere(url, project, name)}")
    if locked := lock.find_beside_state(name):
        return locked
    files = stack_files(_folder(url), project, short)
    last = _last_good(files, short)
    return Finding(
        what=f"The state of stack {name} {damage.what}: {files.state} ({files.state.stat().st_size} bytes).",
        cause=damage.cause,
        plan=(
            f"The state after {last.label}, the last that succeeded, is restored.\n"
            f"The damaged one is kept as {files.kept.name}.\n"
            "What came later in the cluster is found again by the looks that follow, and by `pulumi up --refresh`. "
            "What a later update made elsewhere, as in OCI, is not: look there."
        ),
        command=["cp", str(last.file), str(files.state)],
        mend=lambda: files.restore(last.file),
    )


def _damage(name: str) -> _Damage | None:
    try:
        deployment = stack.export(name)
    except UserError as error:
        unreadable = _UNREADABLE.search(str(error))
        if not unreadable:
            raise
        return _Damage("cannot be read", f"A write of it was cut short, as by a full disk: {unreadable['why']}.")
    owners = _owners(deployment.get("resources", []))
    others = sorted(owners - {_short(name)})
    if not others:
        return None
    return _Damage(
        f"names resources of stack {' and '.join(others)}",
        "The file of another stack was put in its place. An update would declare everything anew.",
    )


def _owners(resources: Iterable[Mapping[str, Any]]) -> set[str]:
    return {resource["urn"].removeprefix("urn:pulumi:").partition("::")[0] for resource in resources}


def _last_good(files: StackFiles, short: str) -> Saved:
    for saved in files.saved():
        try:
            if saved.succeeded and _owners(saved.resources()) <= {short}:
                return saved
        except ValueError:
            continue
    raise UserError(
        f"The state {files.state} is damaged, and {files.history} has no whole one of an update that succeeded (none "
        f"that is compressed with zstd is read here).\n    cp BACKUP {files.state}   from a backup of yours"
    )


def _elsewhere(url: str, project: str, name: str) -> str:
    backend = urlsplit(url)
    key = f"{backend.path.strip('/')}/.pulumi/stacks/{project}/{_short(name)}.json".lstrip("/")
    if backend.scheme in ("http", "https"):
        return (
            f"    pulumi stack export --stack {name} --version N | pulumi stack import --stack {name}   the last good N"
        )
    listing = {
        "s3": f"aws s3api list-object-versions --bucket {backend.netloc} --prefix {key}",
        "oci": f"oci os object list-object-versions --bucket-name {backend.netloc} --prefix {key}",
    }.get("oci" if re.search(r"oraclecloud|customer-oci", backend.query) else backend.scheme, f"{key}   is the object")
    return (
        "A bucket is not written from here: where it has versioning, put the object's last version from before the "
        f"damage in its place.\n    {listing}"
    )


def _folder(url: str) -> Path:
    """As the engine finds it: of this folder, or of the user's own."""
    path, _, _ = url.removeprefix("file://").partition("?")
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 (as `Path` would not where there is no home)


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _project(name: str) -> str:
    if name.count("/") > 1:  # ORGANISATION/PROJECT/STACK
        return name.split("/")[1]
    return yaml.safe_load(stack_config.PROJECT_FILE.read_text(encoding="utf-8"))["name"]
