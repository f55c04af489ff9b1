"""The revisions of a release, asked of a stand-in API server."""

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from kube import helm, kubeconfig
from kube.helm import Revision
from tests.support import example
from tests.support.api_server import ApiServer, helm_record

SECRETS = "/api/v1/namespaces/todo/secrets"
CREATED = datetime(2026, 11, 24, 2, 31, 41, tzinfo=UTC)


def read(api_server: ApiServer, *records: dict[str, Any]) -> list[Revision]:
    api_server.has_list(SECRETS, *records)
    client = kubeconfig.read(yaml.safe_dump(example.kubeconfig(api_server.url)), "").client()
    return helm.read(client, "todo", "todo-app")


def test_revisions_are_in_the_order_of_their_numbers(api_server: ApiServer) -> None:
    found = read(api_server, helm_record(10, "", ""), helm_record(9, "", "", "superseded"))

    assert found == [Revision(9, "superseded", CREATED), Revision(10, "deployed", CREATED)]
    assert api_server.requests[0].query["labelSelector"] == "owner=helm,name=todo-app"


def test_a_release_without_records_has_no_revision(api_server: ApiServer) -> None:
    assert read(api_server) == []


def test_a_record_that_was_written_again_is_as_it_is_since_then(api_server: ApiServer) -> None:
    record = helm_record(3, "", "", "uninstalling")
    record["metadata"]["labels"]["modifiedAt"] = "1795487601"

    (revision,) = read(api_server, record)

    assert revision.since == datetime(2026, 11, 24, 2, 33, 21, tzinfo=UTC)


@pytest.mark.parametrize("status", ["deployed", "failed", "superseded", "uninstalled", "unknown"])
def test_what_is_done_is_not_under_way(status: str) -> None:
    assert Revision(1, status, CREATED).under_way == ""
