"""What was changed by hand in the objects of a Helm release: a refresh looks at the release's record, not at them."""

import asyncio
import base64
import gzip
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import yaml
from lightkube import ApiError, AsyncClient, codecs
from lightkube.core.client import LabelSelector
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Secret

from kube.helm import number
from kube.objects import name

# How many objects are looked at at once. All those of a large release would wait for one of the client's 100
# connections until it gives up, which looks like a cluster that does not answer.
_AT_ONCE = 20


@dataclass(frozen=True)
class ReleaseRecord:
    """What Helm recorded of a revision that it deployed.

    manifest: the objects as YAML documents.
    Source: https://helm.sh/docs/topics/advanced/#storage-backends
    """

    revision: int
    description: str
    manifest: str


async def deployed_record(client: AsyncClient, namespace: str, release: str) -> ReleaseRecord | None:
    """The record of the revision that runs, or None where none does."""
    labels: LabelSelector = {"owner": "helm", "name": release, "status": "deployed"}
    secrets = [secret async for secret in client.list(Secret, namespace=namespace, labels=labels)]
    if not secrets:
        return None
    # Base64 of Helm inside of base64 of Kubernetes.
    # Where Helm was interrupted two are deployed, of which it takes the later.
    newest = max(secrets, key=lambda secret: number(secret.metadata or ObjectMeta()))
    encoded = base64.b64decode((newest.data or {})["release"])
    record: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(encoded)))
    return ReleaseRecord(record["version"], record["info"]["description"], record["manifest"])


async def find_drift(client: AsyncClient, namespace: str, manifest: str) -> list[str]:
    """The objects, as Kind/name in order, in which something that the manifest says is no longer so."""
    # As one kind for all: each has the same calls. libyaml, because Python's own parser takes ten times as long.
    documents = yaml.load_all(manifest, Loader=yaml.CSafeLoader)
    objects = [cast("Deployment", codecs.from_dict(document)) for document in documents if document]
    turns = asyncio.Semaphore(_AT_ONCE)

    async def differs(declared: Deployment) -> bool:
        async with turns:
            return await _differs(client, namespace, declared)

    drifted = await asyncio.gather(*map(differs, objects))
    return sorted(
        f"{declared.kind}/{name(declared)}" for declared, differing in zip(objects, drifted, strict=True) if differing
    )


async def _differs(client: AsyncClient, namespace: str, declared: Deployment) -> bool:
    # The API server knows every default and every merge rule, so it is asked what applying again would change.
    kind, object_name = type(declared), name(declared) or ""
    try:
        while True:
            live = (await client.get(kind, object_name, namespace=namespace)).to_dict()
            applied = (await client.patch(kind, object_name, declared, namespace=namespace, dry_run=True)).to_dict()
            if live["metadata"]["resourceVersion"] == applied["metadata"]["resourceVersion"]:
                return _content(live) != _content(applied)
            # A controller wrote in between: look again.
    except ApiError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return True
        raise


def _content(live: dict[str, Any]) -> dict[str, Any]:
    kept = {"labels", "annotations"}
    metadata = {key: value for key, value in live["metadata"].items() if key in kept}
    return {key: value for key, value in live.items() if key not in ("metadata", "status")} | {"metadata": metadata}
