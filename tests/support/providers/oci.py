"""The double of the provider oci: a compartment of Oracle's cloud in memory.

Like the cloud, it refuses references to missing resources, and deletion of resources that others refer to.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml

from tests.support.providers import schema
from tests.support.providers.cloud import CloudError, Properties
from tests.support.providers.provider import Resource, TerraformProvider

# ForceNew in the source. An NSG rule can be updated, and so can the NSGs of a cluster's endpoint.
# https://github.com/oracle/terraform-provider-oci/tree/master/internal/service, of 2026-08-19
_REPLACES: Mapping[str, frozenset[str]] = {
    "Cluster": frozenset(
        {
            "clusterPodNetworkOptions",
            "clusterPodNetworkOptions.cniType",
            "compartmentId",
            "endpointConfig.subnetId",
            "kmsKeyId",
            "options.ipFamilies",
            "options.kubernetesNetworkConfig",
            "options.kubernetesNetworkConfig.podsCidr",
            "options.kubernetesNetworkConfig.servicesCidr",
            "options.serviceLbSubnetIds",
            "vcnId",
        }
    ),
    "InternetGateway": frozenset({"vcnId"}),
    "NatGateway": frozenset({"publicIpId", "vcnId"}),
    "NetworkSecurityGroup": frozenset({"vcnId"}),
    "NetworkSecurityGroupSecurityRule": frozenset({"networkSecurityGroupId"}),
    "NodePool": frozenset(
        {
            "clusterId",
            "compartmentId",
            "nodeConfigDetails.computeClusterId",
            "nodeConfigDetails.nodePoolPodNetworkOptionDetails.cniType",
            "nodeImageId",
            "nodeImageName",
        }
    ),
    "RouteTable": frozenset({"vcnId"}),
    "SecurityList": frozenset({"vcnId"}),
    "ServiceGateway": frozenset({"vcnId"}),
    "Subnet": frozenset(
        {"availabilityDomain", "dnsLabel", "prohibitInternetIngress", "prohibitPublicIpOnVnic", "vcnId"}
    ),
    "Vcn": frozenset({"cidrBlock", "dnsLabel", "ipv6privateCidrBlocks", "isOracleGuaAllocationEnabled"}),
}

# https://docs.oracle.com/iaas/Content/General/Concepts/regions.htm
_REGION_KEYS = {"eu-frankfurt-1": "FRA", "eu-zurich-1": "ZRH", "uk-london-1": "LHR", "us-ashburn-1": "IAD"}


@dataclass
class Oci(TerraformProvider):
    package = "oci"

    region: str = "eu-frankfurt-1"  # where the configuration of an instance has none
    kubernetes_versions: tuple[str, ...] = ("v1.32.1", "v1.33.1", "v1.34.1")  # supported by OKE, the oldest first
    os_versions: tuple[str, ...] = ("7.9", "8.10")  # of the Oracle Linux images for nodes
    kubeconfig: str = ""  # of the API server behind clusters; by default their address is unreachable

    def __post_init__(self) -> None:
        super().__init__()

    def ocid(self, kind: str, region: str | None = None, unique: str | None = None) -> str:
        """Return a new OCID, or the one derived from `unique`.

        Source: https://docs.oracle.com/iaas/Content/General/Concepts/identifiers.htm
        """
        digest = hashlib.sha256((unique or secrets.token_hex(32)).encode()).digest()
        return (
            f"ocid1.{kind}.oc1.{region or self.region}.aaaaaaaa{base64.b32encode(digest).decode().lower().rstrip('=')}"
        )

    # Resources

    def replaces(self, resource: Resource, path: str) -> bool:
        return path in _REPLACES[resource.type]

    def deletes_first(self, resource: Resource) -> bool:
        # The bridge does it if the program sets a `name`, which both resources would have.
        return "name" in resource.inputs and resource.inputs["name"] == resource.old_inputs.get("name")

    def identify(self, resource: Resource) -> str:
        if resource.type == "NetworkSecurityGroupSecurityRule":
            return secrets.token_hex(3).upper()
        return self.ocid(resource.type.lower(), _region(resource))

    def require(self, resource: Resource) -> None:
        managed = {type_.lower() for type_ in _REPLACES}
        for ocid in _ocids(resource.inputs):
            known = self.cloud.get(ocid) is not None or self.cloud.users_of(ocid)  # a VCN refers to its defaults
            if ocid.split(".")[1] in managed and not known:
                raise CloudError(f"404-NotAuthorizedOrNotFound, {resource.name} names {ocid}, which is not there")
        if resource.type == "Cluster":
            version = resource.inputs.get("kubernetesVersion")
            if version is not None and version not in self.kubernetes_versions:
                raise CloudError(f"400-InvalidParameter, Kubernetes version {version} is not supported")

    def decided(self, resource: Resource, id_: str) -> Properties:
        known: Properties = {"state": "AVAILABLE", "timeCreated": _now()}
        match resource.type:
            case "Cluster":
                known |= {
                    "availableKubernetesUpgrades": self._newer(resource.inputs["kubernetesVersion"]),
                    "endpoints": [self._endpoint(resource)],
                    "state": "ACTIVE",
                    "type": "BASIC_CLUSTER",
                }
            case "NodePool":
                known |= {"nodes": self._nodes(resource, id_), "state": "ACTIVE"}
            case "NatGateway":
                known["natIp"] = "192.0.2.10"
            case "Vcn":
                known["vcnDomainName"] = f"{resource.inputs.get('dnsLabel', '')}.oraclevcn.com"
            case _:
                pass
        return self._any(resource) | known

    def update(self, resource: Resource) -> Properties:
        state = super().update(resource)
        if resource.type == "NodePool":
            self.cloud.edit(resource.id, nodes=self._nodes(resource, resource.id))
        if resource.type == "Cluster":
            self.cloud.edit(resource.id, availableKubernetesUpgrades=self._newer(state["kubernetesVersion"]))
        return self._found(resource, resource.id)

    def delete(self, resource: Resource) -> None:
        users = self.cloud.users_of(resource.id)
        if users:
            raise CloudError(f"409-Conflict, {resource.type} {resource.name} is in use by {', '.join(sorted(users))}")
        super().delete(resource)

    def _any(self, resource: Resource) -> Properties:
        """Return a value of the right type for every property that the cloud sets."""
        found: Properties = {}
        for name, each in schema.outputs(resource.token).items():
            match each.type.partition("[")[0]:
                case "str" if name.endswith("Id"):
                    found[name] = self.ocid(name.removeprefix("default").removesuffix("Id").lower(), _region(resource))
                case "str":
                    found[name] = ""
                case "Sequence":
                    found[name] = []
                case "Mapping":
                    found[name] = {}
                case "bool":
                    found[name] = False
                case _:
                    pass
        return {name: value for name, value in found.items() if not schema.outputs(resource.token)[name].optional}

    def _endpoint(self, resource: Resource) -> Properties:
        is_public = resource.inputs.get("endpointConfig", {}).get("isPublicIpEnabled", False)
        server = self.server().removeprefix("https://")
        return {"kubernetes": "", "privateEndpoint": "10.0.0.2:6443", "publicEndpoint": server if is_public else ""}

    def _newer(self, version: str) -> list[str]:
        return [each for each in self.kubernetes_versions if _number(each) > _number(version)]

    def _nodes(self, resource: Resource, id_: str) -> list[Properties]:
        details = resource.inputs.get("nodeConfigDetails", {})
        places = details.get("placementConfigs") or [{}]
        return [
            {
                "id": self.ocid("instance", _region(resource), f"{id_}-{n}"),
                "name": f"oke-{n}",
                "nodePoolId": id_,
                "kubernetesVersion": resource.inputs.get("kubernetesVersion", ""),
                "availabilityDomain": places[n % len(places)].get("availabilityDomain", ""),
                "privateIp": f"10.0.1.{n + 2}",
                "state": "ACTIVE",
            }
            for n in range(details.get("size", 0))
        ]

    # Functions

    def server(self) -> str:
        """Return the URL of the API server behind clusters."""
        if not self.kubeconfig:
            return "https://192.0.2.1:6443"
        return yaml.safe_load(self.kubeconfig)["clusters"][0]["cluster"]["server"]

    def invoke(self, function: str, arguments: Properties, config: Properties) -> Properties:
        region = config.get("region", self.region)
        functions = {
            "getAvailabilityDomains": self._availability_domains,
            "getClusterKubeConfig": self._kubeconfig,
            "getClusterOption": self._cluster_option,
            "getNodePoolOption": self._node_pool_option,
            "getNodePools": self._node_pools,
            "getServices": self._services,
        }
        if function not in functions:
            return super().invoke(function, arguments, config)
        return {"id": f"{function}-{region}"} | arguments | functions[function](arguments, region)

    def _availability_domains(self, arguments: Properties, region: str) -> Properties:
        compartment = arguments["compartmentId"]
        names = [f"todo:{region.upper()}-AD-{n}" for n in (1, 2, 3)]
        return {
            "availabilityDomains": [
                {"id": self.ocid("availabilitydomain", region, name), "name": name, "compartmentId": compartment}
                for name in names
            ]
        }

    def _kubeconfig(self, arguments: Properties, _region: str) -> Properties:
        if self.cloud.get(arguments["clusterId"]) is None:
            raise CloudError(f"404-NotAuthorizedOrNotFound, cluster {arguments['clusterId']} not found")
        return {"content": self.kubeconfig}

    def _cluster_option(self, _arguments: Properties, _region: str) -> Properties:
        return {
            "kubernetesVersions": list(self.kubernetes_versions),
            "clusterPodNetworkOptions": [{"cniType": "FLANNEL_OVERLAY"}, {"cniType": "OCI_VCN_IP_NATIVE"}],
        }

    def _node_pools(self, arguments: Properties, _region: str) -> Properties:
        pools = [
            {"id": id_}
            | {name: value for name, value in found.items() if isinstance(value, str | int)}
            # A data source has a list where a resource has an object.
            | {"nodeSourceDetails": [found["nodeSourceDetails"]]}
            for id_, found in self.cloud.all("NodePool").items()
            if found["clusterId"] == arguments["clusterId"] and found["name"] == arguments.get("name", found["name"])
        ]
        return {"nodePools": pools}

    def _node_pool_option(self, arguments: Properties, region: str) -> Properties:
        # Named as in https://docs.oracle.com/iaas/images/oke-worker-node-oracle-linux-8x/
        kubernetes_version = arguments.get("nodePoolK8sVersion") or ""
        sources = [
            {"imageId": self.ocid("image", region, name), "sourceName": name, "sourceType": "IMAGE"}
            for version in self.kubernetes_versions
            if kubernetes_version in ("", version)
            for os_version in self.os_versions
            for built, release in (("2026.05.29-0", 1200), ("2026.02.28-0", 1100))
            for architecture in ("aarch64-", "", "Gen2-GPU-")
            for name in [f"Oracle-Linux-{os_version}-{architecture}{built}-OKE-{version.removeprefix('v')}-{release}"]
        ]
        return {
            "kubernetesVersions": list(self.kubernetes_versions),
            "shapes": ["VM.Standard.A1.Flex", "VM.Standard.E4.Flex"],
            "images": [source["sourceName"] for source in sources],
            "sources": sources,
        }

    def _services(self, _arguments: Properties, region: str) -> Properties:
        key = _REGION_KEYS.get(region, region.split("-")[1][:3].upper())
        names = [f"All {key} Services In Oracle Services Network", f"OCI {key} Object Storage"]
        return {
            "services": [
                {
                    "id": self.ocid("service", region, name),
                    "name": name,
                    "description": name,
                    "cidrBlock": name.lower().replace(" ", "-"),
                }
                for name in names
            ]
        }


def _region(resource: Resource) -> str | None:
    return resource.config.get("region")


def _ocids(value: Any) -> list[str]:
    match value:
        case dict():
            return [each for inner in value.values() for each in _ocids(inner)]
        case list():
            return [each for inner in value for each in _ocids(inner)]
        case str() if value.startswith("ocid1."):
            return [value]
        case _:
            return []


def _number(version: str) -> list[int]:
    return [int(part) for part in version.removeprefix("v").split(".")]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
