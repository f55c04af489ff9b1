"""What was changed by hand, asked of a stand-in API server."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import pytest
import yaml
from lightkube import ApiError, AsyncClient

from kube import kubeconfig
from kube.drift import ReleaseRecord, deployed_record, find_drift
from tests.support import example
from tests.support.api_server import ApiServer, helm_record

SECRETS = "/api/v1/namespaces/todo/secrets"
SERVICE = "/api/v1/namespaces/todo/services/backend"
CONFIG_MAP = "/api/v1/namespaces/todo/configmaps/backend"
MANIFEST = yaml.safe_dump_all(
    [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "backend"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "backend"}},
    ]
)


def client(api_server: ApiServer) -> AsyncClient:
    return kubeconfig.read(yaml.safe_dump(example.kubeconfig(api_server.url)), "").async_client()


def find(api_server: ApiServer) -> list[str]:
    async def find() -> list[str]:
        return await find_drift(client(api_server), "todo", MANIFEST)

    return asyncio.run(find())


def has_object(
    api_server: ApiServer, path: str, *, live: Mapping[str, Any] | None = None, applied: Mapping[str, Any] | None = None
) -> None:
    """live: as it is; applied: as it would be after the manifest was applied again."""
    for method, differing in (("GET", live or {}), ("PATCH", applied or {})):
        metadata = {"name": "backend", "resourceVersion": "7", **differing.get("metadata", {})}
        api_server.has(f"{method} {path}", {**differing, "metadata": metadata})


@pytest.fixture
def untouched(api_server: ApiServer) -> ApiServer:
    """A cluster in which both objects are as the manifest has them."""
    for path in (SERVICE, CONFIG_MAP):
        has_object(api_server, path)
    return api_server


def test_the_record_of_the_running_revision_is_read(api_server: ApiServer) -> None:
    # In the order of their names, as the API has them. Helm was interrupted before it superseded the ninth.
    ninth, tenth = helm_record(9, "chart sha256:5e", "old"), helm_record(10, "chart sha256:5e", MANIFEST)
    api_server.has_list(SECRETS, tenth, ninth)

    async def read() -> ReleaseRecord | None:
        return await deployed_record(client(api_server), "todo", "todo-app")

    assert asyncio.run(read()) == ReleaseRecord(10, "chart sha256:5e", MANIFEST)
    (request,) = api_server.requests
    assert request.query["labelSelector"] == "owner=helm,name=todo-app,status=deployed"


def test_a_release_that_never_ran_has_no_record(api_server: ApiServer) -> None:
    api_server.has_list(SECRETS)

    async def read() -> ReleaseRecord | None:
        return await deployed_record(client(api_server), "todo", "todo-app")

    assert asyncio.run(read()) is None


def test_objects_that_nobody_touched_have_not_drifted(untouched: ApiServer) -> None:
    assert find(untouched) == []


def test_to_look_changes_nothing(untouched: ApiServer) -> None:
    find(untouched)

    patches = [request for request in untouched.requests if request.method == "PATCH"]
    assert [patch.query["dryRun"] for patch in patches] == ["All", "All"]


@pytest.mark.parametrize(
    ("live", "applied"),
    [
        ({"spec": {"type": "NodePort"}}, {"spec": {"type": "ClusterIP"}}),
        ({"metadata": {"labels": {"app": "other"}}}, {"metadata": {"labels": {"app": "backend"}}}),
        ({"metadata": {}}, {"metadata": {"annotations": {"checksum": "5e"}}}),
    ],
    ids=["field", "label", "annotation"],
)
def test_an_object_that_would_change_if_applied_again_has_drifted(
    untouched: ApiServer, live: Mapping[str, Any], applied: Mapping[str, Any]
) -> None:
    has_object(untouched, SERVICE, live=live, applied=applied)

    assert find(untouched) == ["Service/backend"]


def test_an_object_that_was_deleted_has_drifted(untouched: ApiServer) -> None:
    untouched.refuses(f"GET {CONFIG_MAP}", HTTPStatus.NOT_FOUND, "not found")

    assert find(untouched) == ["ConfigMap/backend"]


def test_what_the_cluster_itself_writes_is_no_drift(untouched: ApiServer) -> None:
    has_object(
        untouched,
        SERVICE,
        live={"metadata": {"generation": 1, "managedFields": []}, "status": {"loadBalancer": {}}},
        applied={"metadata": {"generation": 2, "managedFields": [{}]}, "status": {}},
    )

    assert find(untouched) == []


def test_drifted_objects_are_named_in_order(untouched: ApiServer) -> None:
    for path in (CONFIG_MAP, SERVICE):
        has_object(untouched, path, live={"metadata": {"labels": {"app": "other"}}})

    assert find(untouched) == ["ConfigMap/backend", "Service/backend"]


def test_a_cluster_that_refuses_to_tell_is_no_drift_but_an_error(untouched: ApiServer) -> None:
    untouched.refuses(f"PATCH {CONFIG_MAP}", HTTPStatus.FORBIDDEN, "configmaps is forbidden")

    with pytest.raises(ApiError, match="configmaps is forbidden"):
        find(untouched)


class BusyClient:
    """Has every object as it was declared; most: how many requests it ever had at once."""

    def __init__(self) -> None:
        self.most = self._now = 0

    async def get(self, kind: type[Any], name: str, **_: Any) -> Any:
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        return kind.from_dict({"metadata": {"name": name, "resourceVersion": "7"}})

    async def patch(self, kind: type[Any], name: str, _declared: Any, **_: Any) -> Any:
        return await self.get(kind, name)


def test_a_release_of_many_objects_waits_for_no_connection() -> None:
    manifest = yaml.safe_dump_all(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"s{n}"}} for n in range(300)
    )
    busy = BusyClient()

    assert asyncio.run(find_drift(cast("AsyncClient", busy), "todo", manifest)) == []
    assert 1 < busy.most < 100  # the connections of a client
