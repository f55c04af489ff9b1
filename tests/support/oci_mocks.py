"""OCI as a deployment sees it: the responses of its data sources, and the options of its resources."""

import asyncio
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from typing import Any, cast
from unittest.mock import patch

import yaml
from pulumi.runtime.mocks import MockCallArgs, MockMonitor
from pulumi.runtime.proto import resource_pb2

from tests.support.engine import Engine, Inputs, Resource

SERVICES = [
    {
        "id": "storage-service",
        "name": "OCI FRA Object Storage",
        "cidrBlock": "oci-fra-objectstorage",
        "description": "",
    },
    {
        "id": "all-services",
        "name": "All FRA Services In Oracle Services Network",
        "cidrBlock": "all-fra-services-in-oracle-services-network",
        "description": "",
    },
]

# In the format of OCI.
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "",
    "clusters": [
        {"name": "cluster-a", "cluster": {"server": "https://192.0.2.7:6443", "certificate-authority-data": "Y2E="}}
    ],
    "users": [{"name": "user-a", "user": {"exec": {"command": "oci", "args": ["ce", "cluster", "generate-token"]}}}],
    "contexts": [{"name": "context-a", "context": {"cluster": "cluster-a", "user": "user-a"}}],
    "current-context": "context-a",
}


def images(*names: str) -> list[dict[str, str]]:
    """Node images, each with its name as its OCID."""
    return [{"imageId": name, "sourceName": name, "sourceType": "IMAGE"} for name in names]


@contextmanager
def _loop() -> Generator[None]:
    """Give a thread without an event loop one that is closed: the mocks would leave theirs open."""
    with closing(asyncio.new_event_loop()) as loop:
        asyncio.set_event_loop(loop)
        yield
    asyncio.set_event_loop(None)


class OciEngine(Engine):
    """A deployment to OCI, whose data sources return `data`."""

    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, Inputs] = {
            "getServices": {"services": SERVICES},
            "getAvailabilityDomains": {
                "availabilityDomains": [{"id": name, "name": name} for name in ("QZhg:FRA-AD-2", "QZhg:FRA-AD-1")]
            },
            "getClusterOption": {"kubernetesVersions": ["v1.33.1", "v1.34.1", "v1.9.11"]},
            "getNodePools": {"nodePools": []},
            "getNodePoolOption": {
                "sources": images(
                    "Oracle-Linux-8.10-aarch64-2025.09.30-0-OKE-1.34.1-1191",
                    "Oracle-Linux-8.10-aarch64-2025.09.30-0-OKE-1.33.1-1191",
                )
            },
            "getClusterKubeConfig": {"content": yaml.safe_dump(KUBECONFIG)},
        }
        self.asked: dict[str, Inputs] = {}  # by data source, the arguments of its last call
        self.asked_through: dict[str, str] = {}  # by data source, the name of its provider; empty for a default one
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}  # by URN

    def deploy(self, program: Callable[[], object], **options: Any) -> None:
        registered, invoked = MockMonitor.RegisterResource, MockMonitor.Invoke

        def call(_: object, args: MockCallArgs) -> dict[str, Any]:
            name = args.token.rpartition(":")[2]
            self.asked[name] = cast("Inputs", args.args)
            self.asked_through[name] = (args.provider or "").rpartition("::")[0].rpartition("::")[2]
            return dict(self.data[name])

        def invoke(monitor: MockMonitor, request: resource_pb2.ResourceInvokeRequest) -> Any:
            with _loop():
                return invoked(monitor, request)

        def register(
            monitor: MockMonitor, request: resource_pb2.RegisterResourceRequest
        ) -> resource_pb2.RegisterResourceResponse:
            with _loop():
                response = registered(monitor, request)
            self.requests[response.urn] = request
            return response

        with (
            patch(f"{Engine.__module__}._Provider.call", call),
            patch.object(MockMonitor, "Invoke", invoke),
            patch.object(MockMonitor, "RegisterResource", register),
        ):
            super().deploy(program, **options)

    def options(self, resource: Resource) -> resource_pb2.RegisterResourceRequest:
        """Return the request that registered a resource."""
        return self.requests[resource.urn]

    def by_name(self, type_: str) -> Mapping[str, Resource]:
        """Return the resources of a type by name."""
        return {resource.name: resource for resource in self.resources if resource.type == type_}
