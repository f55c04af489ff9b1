"""Helm's own records of a release, which are Secrets.

Source: https://helm.sh/docs/topics/advanced/#storage-backends
"""

import base64
import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lightkube import AsyncClient, Client
from lightkube.operators import not_equal
from lightkube.resources.core_v1 import Secret

from kube.objects import labels, metadata

# Helm writes these before it begins; it refuses to change a release that keeps one of them.
_PENDING = {
    "pending-install": "an install",
    "pending-upgrade": "an upgrade",
    "pending-rollback": "a rollback",
    "uninstalling": "an uninstall",
}


@dataclass(frozen=True)
class Revision:
    """One revision of a release.

    Source: https://github.com/helm/helm/blob/v3.18.6/pkg/release/status.go
    """

    number: int  # from 1
    status: str  # deployed, superseded, failed, pending-upgrade, …
    since: datetime

    @property
    def pending(self) -> str | None:
        """The operation that has not finished, such as `an upgrade`."""
        return _PENDING.get(self.status)


@dataclass(frozen=True)
class ReleaseRecord:
    """The content of the record of a deployed revision."""

    revision: int
    description: str
    manifest: str  # YAML documents


def revisions(client: Client, namespace: str, release: str) -> list[Revision]:
    """Return every revision of a release that Helm keeps, the oldest first."""
    return _revisions(client.list(Secret, namespace=namespace, labels=_selector(release)))


async def last_revision(client: AsyncClient, namespace: str, release: str) -> Revision | None:
    # A past revision is superseded, or pending for ever.
    selector: dict[str, Any] = {**_selector(release), "status": not_equal("superseded")}
    secrets = [secret async for secret in client.list(Secret, namespace=namespace, labels=selector)]
    return next(reversed(_revisions(secrets)), None)


async def deployed_record(client: AsyncClient, namespace: str, release: str) -> ReleaseRecord | None:
    """Return the record of the deployed revision, or None where none is deployed."""
    selector: dict[str, Any] = {**_selector(release), "status": "deployed"}
    secrets = [secret async for secret in client.list(Secret, namespace=namespace, labels=selector)]
    if not secrets:
        return None
    # Where Helm was interrupted two are deployed, and it takes the later.
    encoded = base64.b64decode((max(secrets, key=_number).data or {})["release"])
    # Helm encodes in base64, as Kubernetes does.
    record: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(encoded)))
    return ReleaseRecord(record["version"], record["info"]["description"], record["manifest"])


def _selector(release: str) -> dict[str, Any]:
    return {"owner": "helm", "name": release}


def _revisions(secrets: Iterable[Secret]) -> list[Revision]:
    return [_revision(secret) for secret in sorted(secrets, key=_number)]


def _revision(record: Secret) -> Revision:
    # A revision inherits the label modifiedAt from the one before.
    modified = datetime.fromtimestamp(float(labels(record).get("modifiedAt", 0)), UTC)
    since = max(modified, metadata(record).creationTimestamp or modified)
    return Revision(_number(record), labels(record)["status"], since)


def _number(record: Secret) -> int:
    return int(labels(record)["version"])
