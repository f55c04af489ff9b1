"""Manual changes to the objects of a Helm release. A refresh compares the release's record, not its objects."""

import asyncio
from http import HTTPStatus
from typing import Any, cast

import yaml
from lightkube import ApiError, AsyncClient, codecs
from lightkube.resources.apps_v1 import Deployment

from kube.objects import name

# More than the client's 100 connections would make requests wait until they time out.
_CONCURRENCY = 20


async def find_drift(client: AsyncClient, namespace: str, manifest: str) -> list[str]:
    """Return the objects, as sorted Kind/name, that differ from a release's manifest or do not exist."""
    # One type for every kind, for all have the same calls. Python's own YAML parser takes ten times as long.
    documents = yaml.load_all(manifest, Loader=yaml.CSafeLoader)
    declared = [cast("Deployment", codecs.from_dict(document)) for document in documents if document]
    limit = asyncio.Semaphore(_CONCURRENCY)

    async def differs(item: Deployment) -> bool:
        async with limit:
            return await _differs(client, namespace, item)

    drifted = await asyncio.gather(*map(differs, declared))
    return sorted(f"{item.kind}/{name(item)}" for item, differs in zip(declared, drifted, strict=True) if differs)


async def _differs(client: AsyncClient, namespace: str, declared: Deployment) -> bool:
    # A dry run, because only the API server knows every default and merge rule.
    kind, object_name = type(declared), name(declared) or ""
    try:
        while True:
            live = (await client.get(kind, object_name, namespace=namespace)).to_dict()
            applied = (await client.patch(kind, object_name, declared, namespace=namespace, dry_run=True)).to_dict()
            if live["metadata"]["resourceVersion"] == applied["metadata"]["resourceVersion"]:
                return _content(live) != _content(applied)
            # A controller wrote in between: compare again.
    except ApiError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return True
        raise


def _content(live: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: live["metadata"].get(key) for key in ("labels", "annotations")}
    return {key: value for key, value in live.items() if key != "status"} | {"metadata": metadata}
