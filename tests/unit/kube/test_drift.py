"""Manual changes, asked of a stand-in API server."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import pytest
import yaml
from lightkube import ApiError, AsyncClient

from kube.drift import find_drift
from tests.support import example
from tests.support.api_server import ApiServer

SERVICE = "/api/v1/namespaces/todo/services/backend"
CONFIG_MAP = "/api/v1/namespaces/todo/configmaps/backend"
MANIFEST = yaml.safe_dump_all(
    {"apiVersion": "v1", "kind": kind, "metadata": {"name": "backend"}} for kind in ("Service", "ConfigMap")
)


def drift(api_server: ApiServer) -> list[str]:
    async def find() -> list[str]:
        return await find_drift(example.cluster(api_server.url).async_client(), "todo", MANIFEST)

    return asyncio.run(find())


def has_object(
    api_server: ApiServer, path: str, *, live: Mapping[str, Any] | None = None, applied: Mapping[str, Any] | None = None
) -> None:
    """Have an object in a cluster; applied: as a dry run of the manifest gives it."""
    for method, content in (("GET", live or {}), ("PATCH", applied or {})):
        metadata = {"name": "backend", "resourceVersion": "7", **content.get("metadata", {})}
        api_server.has(f"{method} {path}", {**content, "metadata": metadata})


@pytest.fixture
def cluster(api_server: ApiServer) -> ApiServer:
    """Return a cluster in which every object is as the manifest has it."""
    for path in (SERVICE, CONFIG_MAP):
        has_object(api_server, path)
    return api_server


def test_unchanged_objects_have_no_drift_and_are_not_changed(cluster: ApiServer) -> None:
    assert drift(cluster) == []
    patches = [request for request in cluster.requests if request.method == "PATCH"]
    assert [patch.query["dryRun"] for patch in patches] == ["All", "All"]


@pytest.mark.parametrize(
    ("live", "applied", "found"),
    [
        ({"spec": {"type": "NodePort"}}, {"spec": {"type": "ClusterIP"}}, ["Service/backend"]),
        ({"metadata": {"labels": {"a": "b"}}}, {"metadata": {"labels": {"a": "c"}}}, ["Service/backend"]),
        ({"metadata": {}}, {"metadata": {"annotations": {"checksum": "5e"}}}, ["Service/backend"]),
        (
            {"metadata": {"generation": 1, "managedFields": []}, "status": {"loadBalancer": {}}},
            {"metadata": {"generation": 2, "managedFields": [{}]}, "status": {}},
            [],
        ),
    ],
    ids=["field", "label", "annotation", "written by the cluster"],
)
def test_object_that_another_apply_would_change_has_drifted(
    cluster: ApiServer, live: Mapping[str, Any], applied: Mapping[str, Any], found: list[str]
) -> None:
    has_object(cluster, SERVICE, live=live, applied=applied)

    assert drift(cluster) == found


def test_drifted_and_deleted_objects_are_sorted(cluster: ApiServer) -> None:
    cluster.refuses(f"GET {CONFIG_MAP}", HTTPStatus.NOT_FOUND, "not found")
    has_object(cluster, SERVICE, live={"metadata": {"labels": {"app": "other"}}})

    assert drift(cluster) == ["ConfigMap/backend", "Service/backend"]


def test_comparison_that_is_forbidden_is_an_error(cluster: ApiServer) -> None:
    cluster.refuses(f"PATCH {CONFIG_MAP}", HTTPStatus.FORBIDDEN, "configmaps is forbidden")

    with pytest.raises(ApiError, match="configmaps is forbidden"):
        drift(cluster)


class BusyClient:
    """Has every object as it was declared."""

    def __init__(self) -> None:
        self.most = self._now = 0
        """The most requests at one time."""

    async def get(self, kind: type[Any], name: str, **_: Any) -> Any:
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        return kind.from_dict({"metadata": {"name": name, "resourceVersion": "7"}})

    async def patch(self, kind: type[Any], name: str, _declared: Any, **_: Any) -> Any:
        return await self.get(kind, name)


def test_large_release_does_not_exhaust_the_connections() -> None:
    manifest = yaml.safe_dump_all(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"s{n}"}} for n in range(300)
    )
    busy = BusyClient()

    assert asyncio.run(find_drift(cast("AsyncClient", busy), "todo", manifest)) == []
    assert 1 < busy.most < 100
