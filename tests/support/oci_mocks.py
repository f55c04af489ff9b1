"""OCI as a deployment sees it: the responses of its data sources, and the options of its resources."""

from collections.abc import Mapping
from typing import cast

import yaml
from pulumi.runtime.mocks import MockCallArgs

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

    def call(self, args: MockCallArgs) -> Inputs:
        name = args.token.rpartition(":")[2]
        self.asked[name] = cast("Inputs", args.args)
        self.asked_through[name] = (args.provider or "").rpartition("::")[0].rpartition("::")[2]
        return self.data[name]

    def by_name(self, type_: str) -> Mapping[str, Resource]:
        """Return the resources of a type by name."""
        return {resource.name: resource for resource in self.resources if resource.type == type_}
