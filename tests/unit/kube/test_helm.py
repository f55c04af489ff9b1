"""Helm's records, asked of a stand-in API server."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from kube import helm
from kube.helm import ReleaseRecord, Revision
from tests.support import example
from tests.support.api_server import ApiServer, helm_record

SECRETS = "/api/v1/namespaces/todo/secrets"
CREATED = datetime(2026, 11, 24, 2, 31, 41, tzinfo=UTC)


def revisions(api_server: ApiServer, *records: dict[str, Any]) -> list[Revision]:
    api_server.has_list(SECRETS, *records)
    return helm.revisions(example.cluster(api_server.url).client(), "todo", "todo-app")


def deployed(api_server: ApiServer, *records: dict[str, Any]) -> ReleaseRecord | None:
    api_server.has_list(SECRETS, *records)

    async def read() -> ReleaseRecord | None:
        return await helm.deployed_record(example.cluster(api_server.url).async_client(), "todo", "todo-app")

    return asyncio.run(read())


def test_revisions_are_in_the_order_of_their_numbers(api_server: ApiServer) -> None:
    found = revisions(api_server, helm_record(10, "", ""), helm_record(9, "", "", "superseded"))

    assert found == [Revision(9, "superseded", CREATED), Revision(10, "deployed", CREATED)]
    assert api_server.requests[0].query["labelSelector"] == "owner=helm,name=todo-app"


def test_revision_has_its_status_since_its_record_was_modified(api_server: ApiServer) -> None:
    record = helm_record(3, "", "", "uninstalling")
    record["metadata"]["labels"]["modifiedAt"] = "1795487601"

    (revision,) = revisions(api_server, record)

    assert revision.since == datetime(2026, 11, 24, 2, 33, 21, tzinfo=UTC)


def test_record_of_the_last_deployed_revision_is_read(api_server: ApiServer) -> None:
    # The API server lists them by name. Helm was interrupted before it superseded the ninth.
    found = deployed(api_server, helm_record(10, "chart sha256:5e", "kind: Service"), helm_record(9, "", "old"))

    assert found == ReleaseRecord(10, "chart sha256:5e", "kind: Service")
    assert api_server.requests[0].query["labelSelector"] == "owner=helm,name=todo-app,status=deployed"


def test_release_that_does_not_exist_has_no_records(api_server: ApiServer) -> None:
    assert revisions(api_server) == []
    assert deployed(api_server) is None
