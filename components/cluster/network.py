"""The network of an OKE cluster: a virtual cloud network (VCN), its subnets and its security rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import pulumi
import pulumi_oci as oci
from pulumi_oci.core import NetworkSecurityGroupSecurityRule, RouteTableRouteRuleArgsDict
from pulumi_oci.core.outputs import GetServicesServiceResult

VCN_CIDR = "10.0.0.0/16"
API_CIDR = "10.0.0.0/28"
NODES_CIDR = "10.0.1.0/24"
LOAD_BALANCERS_CIDR = "10.0.2.0/24"

_ANYWHERE = "0.0.0.0/0"


class _Party(StrEnum):
    """One end of a connection: a network security group of the cluster, or an address outside it."""

    API = "api"
    NODES = "nodes"
    LOAD_BALANCERS = "load-balancers"
    ORACLE = "oracle"
    ANYONE = "anyone"


# Its type (CIDR_BLOCK, SERVICE_CIDR_BLOCK or NETWORK_SECURITY_GROUP) and value.
_Address: TypeAlias = tuple[str, pulumi.Input[str]]


@dataclass(frozen=True)
class _Traffic:
    name: str
    options: Mapping[str, Any]  # of a security rule; the protocol is its number or `all`


def _tcp(first: int, last: int | None = None) -> _Traffic:
    ports = {"min": first, "max": last or first}
    return _Traffic(f"tcp-{first}", {"protocol": "6", "tcp_options": {"destination_port_range": ports}})


_ALL = _Traffic("all", {"protocol": "all"})
_ALL_TCP = _Traffic("tcp", {"protocol": "6"})
# "Fragmentation needed": a packet is too large and must not be fragmented.
_PATH_DISCOVERY = _Traffic("icmp", {"protocol": "1", "icmp_options": {"type": 3, "code": 4}})
_KUBERNETES_API = _tcp(6443)

# Connections that the first party may open to the second; responses need no rule. A line becomes an egress rule of the
# first and an ingress rule of the second, if they are groups. Oracle documents these rules for the flannel CNI plug-in;
# its optional ones are left out, except for the nodes' access to the internet (images, database, Kafka, Cohere).
# https://docs.oracle.com/en-us/iaas/Content/ContEng/Concepts/contengnetworkconfig.htm#securitylistconfig
_CONNECTIONS: Sequence[tuple[_Party, _Party, _Traffic, str]] = (
    (_Party.NODES, _Party.API, _KUBERNETES_API, "Nodes and pods use the Kubernetes API"),
    (_Party.NODES, _Party.API, _tcp(12250), "Nodes reach the control plane"),
    (_Party.NODES, _Party.API, _PATH_DISCOVERY, "Path MTU discovery"),
    (_Party.NODES, _Party.NODES, _ALL, "Pods reach pods on other nodes"),
    (_Party.NODES, _Party.ORACLE, _ALL_TCP, "Nodes reach OKE and the registry"),
    (_Party.NODES, _Party.ANYONE, _ALL_TCP, "Nodes and pods reach the internet"),
    (_Party.NODES, _Party.ANYONE, _PATH_DISCOVERY, "Path MTU discovery"),
    (_Party.ANYONE, _Party.NODES, _PATH_DISCOVERY, "Path MTU discovery"),
    (_Party.API, _Party.NODES, _ALL_TCP, "The control plane reaches kubelets and webhooks"),
    (_Party.API, _Party.NODES, _PATH_DISCOVERY, "Path MTU discovery"),
    (_Party.API, _Party.ORACLE, _tcp(443), "The control plane reaches OKE"),
    (_Party.ANYONE, _Party.LOAD_BALANCERS, _tcp(80), "HTTP"),
    (_Party.ANYONE, _Party.LOAD_BALANCERS, _tcp(443), "HTTPS"),
    (_Party.LOAD_BALANCERS, _Party.NODES, _tcp(30000, 32767), "Load balancers reach node ports"),
    (_Party.LOAD_BALANCERS, _Party.NODES, _tcp(10256), "Load balancers ask kube-proxy for its health"),
)


@dataclass(frozen=True)
class OkeNetworkArgs:
    """Arguments of OkeNetwork."""

    compartment_ocid: str
    display_name: str  # prefix of the names in OCI's console
    api_allowed_cidrs: Sequence[str]  # IPv4 blocks that may connect to the Kubernetes API
    protect: bool  # Pulumi's options, except for the rules of api_allowed_cidrs, which close with the setting
    retain_on_delete: bool
    tags: Mapping[str, str]  # free-form tags of OCI


@dataclass(frozen=True)
class Place:
    """The OCIDs of a part's subnet and network security group."""

    subnet_id: pulumi.Output[str]
    group_id: pulumi.Output[str]


class OkeNetwork(pulumi.ComponentResource):
    """A VCN for one cluster: the API endpoint and the load balancers are public, the nodes are private.

    Only the network security groups allow traffic. The subnets' one security list has no rule, so that an added rule
    shows as drift.
    Source: https://docs.oracle.com/en-us/iaas/Content/ContEng/Concepts/contengnetworkconfigexample.htm (example 1)
    """

    vcn_id: pulumi.Output[str]  # OCID
    api: Place
    nodes: Place
    load_balancers: Place

    def __init__(self, name: str, args: OkeNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:cluster:OkeNetwork", name, opts=opts)
        self._name = name
        self._args = args
        self._kept = pulumi.ResourceOptions(parent=self, protect=args.protect, retain_on_delete=args.retain_on_delete)
        self.vcn_id = oci.core.Vcn(
            name,
            compartment_id=args.compartment_ocid,
            display_name=args.display_name,
            cidr_blocks=[VCN_CIDR],
            dns_label="oke",
            freeform_tags=args.tags,
            opts=self._kept,
        ).id
        oracle = oci.core.get_services_output(opts=pulumi.InvokeOutputOptions(parent=self)).services.apply(
            # The other service is Object Storage only.
            lambda services: next(service for service in services if service.cidr_block.startswith("all-"))
        )
        public, private = self._route_tables(oracle)
        no_rules = oci.core.SecurityList(f"{name}-no-rules", **self._in_vcn("no-rules"))
        security_lists = [no_rules.id]
        self.api = self._place(_Party.API, cidr_block=API_CIDR, route_table_id=public, security_list_ids=security_lists)
        self.load_balancers = self._place(
            _Party.LOAD_BALANCERS,
            cidr_block=LOAD_BALANCERS_CIDR,
            route_table_id=public,
            security_list_ids=security_lists,
        )
        self.nodes = self._place(
            _Party.NODES,
            cidr_block=NODES_CIDR,
            route_table_id=private,
            security_list_ids=security_lists,
            prohibit_public_ip_on_vnic=True,
        )
        self._allow(oracle)
        self.register_outputs({"vcnId": self.vcn_id})

    def _in_vcn(self, part: str) -> dict[str, Any]:
        """Return the arguments that all resources in the VCN share."""
        return {
            "compartment_id": self._args.compartment_ocid,
            "display_name": f"{self._args.display_name}-{part}",
            "vcn_id": self.vcn_id,
            "freeform_tags": self._args.tags,
            "opts": self._kept,
        }

    def _route_tables(
        self, oracle: pulumi.Output[GetServicesServiceResult]
    ) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """Return the OCIDs of the public table (internet) and of the private one (NAT and service gateways)."""
        name = self._name
        internet = oci.core.InternetGateway(f"{name}-internet", **self._in_vcn("internet"))
        nat = oci.core.NatGateway(f"{name}-nat", **self._in_vcn("nat"))
        services = oci.core.ServiceGateway(
            f"{name}-oracle", services=[{"service_id": oracle.id}], **self._in_vcn("oracle")
        )
        public = oci.core.RouteTable(
            f"{name}-public", route_rules=[_route("CIDR_BLOCK", _ANYWHERE, internet.id)], **self._in_vcn("public")
        )
        private = oci.core.RouteTable(
            f"{name}-private",
            route_rules=[
                _route("CIDR_BLOCK", _ANYWHERE, nat.id),
                _route("SERVICE_CIDR_BLOCK", oracle.cidr_block, services.id),
            ],
            **self._in_vcn("private"),
        )
        return public.id, private.id

    def _place(self, party: _Party, **subnet: Any) -> Place:
        name, label = f"{self._name}-{party}", party.replace("-", "")
        return Place(
            subnet_id=oci.core.Subnet(name, dns_label=label, **subnet, **self._in_vcn(party)).id,
            group_id=oci.core.NetworkSecurityGroup(name, **self._in_vcn(party)).id,
        )

    def _allow(self, oracle: pulumi.Output[GetServicesServiceResult]) -> None:
        groups = {
            _Party.API: self.api.group_id,
            _Party.NODES: self.nodes.group_id,
            _Party.LOAD_BALANCERS: self.load_balancers.group_id,
        }
        addresses: dict[_Party, _Address] = {
            **{party: ("NETWORK_SECURITY_GROUP", group) for party, group in groups.items()},
            _Party.ORACLE: ("SERVICE_CIDR_BLOCK", oracle.cidr_block),
            _Party.ANYONE: ("CIDR_BLOCK", _ANYWHERE),
        }
        for source, destination, traffic, why in _CONNECTIONS:
            if source in groups:
                NetworkSecurityGroupSecurityRule(
                    f"{self._name}-{source}-to-{destination}-{traffic.name}",
                    network_security_group_id=groups[source],
                    **_egress(addresses[destination]),
                    **traffic.options,
                    description=why,
                    opts=self._kept,
                )
            if destination in groups:
                NetworkSecurityGroupSecurityRule(
                    f"{self._name}-{destination}-from-{source}-{traffic.name}",
                    network_security_group_id=groups[destination],
                    **_ingress(addresses[source]),
                    **traffic.options,
                    description=why,
                    opts=self._kept,
                )
        for cidr in sorted(set(self._args.api_allowed_cidrs)):
            NetworkSecurityGroupSecurityRule(
                f"{self._name}-api-from-{cidr}",
                network_security_group_id=self.api.group_id,
                **_ingress(("CIDR_BLOCK", cidr)),
                **_KUBERNETES_API.options,
                description="apiAllowedCidrs",
                opts=pulumi.ResourceOptions(parent=self),
            )


def _route(kind: str, destination: pulumi.Input[str], gateway: pulumi.Input[str]) -> RouteTableRouteRuleArgsDict:
    return {"destination_type": kind, "destination": destination, "network_entity_id": gateway}


def _egress(address: _Address) -> dict[str, Any]:
    return {"direction": "EGRESS", "destination_type": address[0], "destination": address[1]}


def _ingress(address: _Address) -> dict[str, Any]:
    return {"direction": "INGRESS", "source_type": address[0], "source": address[1]}
