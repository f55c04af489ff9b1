"""The revisions of a Helm release, as the labels of Helm's own records tell them: which one it is in, and how."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from lightkube import AsyncClient, Client
from lightkube.core.client import LabelSelector
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.operators import not_equal
from lightkube.resources.core_v1 import Secret

# What Helm writes before it begins, and takes for somebody else at work for as long as it stands there.
_UNDER_WAY = {
    "pending-install": "an install",
    "pending-upgrade": "an upgrade",
    "pending-rollback": "a rollback",
    "uninstalling": "an uninstall",
}


@dataclass(frozen=True)
class Revision:
    """One revision of a release.

    number: Helm's, the first being 1; status: deployed, superseded, failed, pending-upgrade, …; since: when it came to
    that.
    Source: https://github.com/helm/helm/blob/v3.18.6/pkg/release/status.go
    """

    number: int
    status: str
    since: datetime

    @property
    def under_way(self) -> str:
        """What the release is in the middle of, such as `an upgrade`; empty where it is in the middle of nothing."""
        return _UNDER_WAY.get(self.status, "")


def read(client: Client, namespace: str, release: str) -> list[Revision]:
    """All revisions that Helm remembers of a release, the oldest first."""
    labels: LabelSelector = {"owner": "helm", "name": release}
    return _revisions(client.list(Secret, namespace=namespace, labels=labels))


async def last(client: AsyncClient, namespace: str, release: str) -> Revision | None:
    """The newest revision of a release, or None where there is no release."""
    # An earlier one is superseded, or says for ever what it was in the middle of.
    labels: LabelSelector = {"owner": "helm", "name": release, "status": not_equal("superseded")}
    secrets = [secret async for secret in client.list(Secret, namespace=namespace, labels=labels)]
    return next(reversed(_revisions(secrets)), None)


def number(record: ObjectMeta) -> int:
    """Helm's number for the revision that one of its records is of."""
    return int((record.labels or {})["version"])


def _revisions(secrets: Iterable[Secret]) -> list[Revision]:
    known = (secret.metadata for secret in secrets if secret.metadata)
    return sorted(map(_revision, known), key=lambda revision: revision.number)


def _revision(record: ObjectMeta) -> Revision:
    labels = record.labels or {}
    # Helm hands the label down from one revision to the next.
    modified = datetime.fromtimestamp(float(labels.get("modifiedAt", 0)), UTC)
    return Revision(number(record), labels["status"], max(modified, record.creationTimestamp or modified))
