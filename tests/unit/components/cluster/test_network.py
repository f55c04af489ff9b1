from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from itertools import combinations
from typing import Any

import pulumi
import pytest

from components.cluster.network import (
    API_CIDR,
    LOAD_BALANCERS_CIDR,
    NODES_CIDR,
    VCN_CIDR,
    OkeNetwork,
    OkeNetworkArgs,
    Place,
)
from components.cluster.oke import PODS_CIDR, SERVICES_CIDR
from tests.support.oci_mocks import OciEngine

TAGS = {"stack": "oke"}
RULE = "oci:Core/networkSecurityGroupSecurityRule:NetworkSecurityGroupSecurityRule"
SUBNET = "oci:Core/subnet:Subnet"
ORACLE = "all-fra-services-in-oracle-services-network"
OFFICE = "203.0.113.0/24"

# One of each group and its subnet, hosts of the internet and of an allowed block, and Oracle's services.
ADDRESSES = {
    "api": "10.0.0.9",
    "nodes": "10.0.1.9",
    "load-balancers": "10.0.2.9",
    "internet": "198.51.100.7",
    "office": "203.0.113.8",
    "oracle": ORACLE,
}
GROUPS = ("nodes", "api", "load-balancers")
ALL = frozenset(range(1, 65536))
NONE = frozenset[int]()


@pytest.fixture
def engine() -> OciEngine:
    return OciEngine()


def deploy(engine: OciEngine, *, cidrs: Sequence[str] = (), kept: bool = True, display_name: str = "todo") -> OciEngine:
    def program() -> None:
        args = OkeNetworkArgs("ocid1.compartment.oc1..a", display_name, cidrs, kept, kept, TAGS)
        network = OkeNetwork("oke", args)
        for name in ("api", "nodes", "load_balancers"):
            place: Place = getattr(network, name)
            pulumi.export(name.replace("_", "-"), {"subnet": place.subnet_id, "group": place.group_id})

    engine.deploy(program)
    return engine


@pytest.fixture(scope="module")
def deployed() -> OciEngine:
    """A network whose API is open to the office. Shared between tests: read only."""
    return deploy(OciEngine(), cidrs=[OFFICE])


def open_ports(engine: OciEngine, source: str, destination: str) -> frozenset[int]:
    """Return the TCP ports of the destination to which the declared rules let the source connect."""
    outgoing = ports(engine, source, "EGRESS", destination) if source in GROUPS else ALL
    incoming = ports(engine, destination, "INGRESS", source) if destination in GROUPS else ALL
    return outgoing & incoming


def ports(engine: OciEngine, party: str, direction: str, peer: str) -> frozenset[int]:
    side = "source" if direction == "INGRESS" else "destination"
    found = NONE
    for rule in (resource.inputs for resource in engine.by_name(RULE).values()):
        is_own = rule["networkSecurityGroupId"] == engine.exports[party]["group"] and rule["direction"] == direction
        is_tcp = rule["protocol"] in ("6", "all")
        if is_own and is_tcp and matches(engine, rule[f"{side}Type"], rule[side], peer):
            limits = rule.get("tcpOptions", {}).get("destinationPortRange", {"min": 1, "max": 65535})
            found |= set(range(int(limits["min"]), int(limits["max"]) + 1))
    return found


def matches(engine: OciEngine, kind: str, value: str, peer: str) -> bool:
    match kind:
        case "NETWORK_SECURITY_GROUP":
            return peer in GROUPS and value == engine.exports[peer]["group"]
        case "SERVICE_CIDR_BLOCK":
            return value == ADDRESSES[peer]
        case _:
            return peer != "oracle" and ip_address(ADDRESSES[peer]) in ip_network(value)


@pytest.mark.parametrize(
    ("source", "destination", "expected"),
    [
        pytest.param("internet", "nodes", NONE, id="the internet cannot reach nodes"),
        pytest.param("internet", "api", NONE, id="the internet cannot reach the API"),
        pytest.param("office", "api", {6443}, id="an allowed block reaches the API"),
        pytest.param("office", "nodes", NONE, id="an allowed block reaches nothing else"),
        pytest.param("internet", "load-balancers", {80, 443}, id="load balancers serve HTTP and HTTPS only"),
        pytest.param("load-balancers", "nodes", {*range(30000, 32768), 10256}, id="load balancers reach node ports"),
        pytest.param("load-balancers", "api", NONE, id="load balancers cannot reach the API"),
        pytest.param("load-balancers", "internet", NONE, id="load balancers cannot reach the internet"),
        pytest.param("nodes", "api", {6443, 12250}, id="nodes reach the control plane"),
        pytest.param("nodes", "nodes", ALL, id="pods reach pods on other nodes"),
        pytest.param("nodes", "internet", ALL, id="pods reach the database, Kafka and Cohere"),
        pytest.param("nodes", "oracle", ALL, id="nodes reach OKE and the registry"),
        pytest.param("api", "nodes", ALL, id="the control plane reaches kubelets and webhooks"),
        pytest.param("api", "oracle", {443}, id="the control plane reaches OKE"),
        pytest.param("api", "internet", NONE, id="the control plane cannot reach the internet"),
    ],
)
def test_who_can_reach_whom(deployed: OciEngine, source: str, destination: str, expected: set[int]) -> None:
    assert open_ports(deployed, source, destination) == expected


def test_other_protocols_are_limited_to_path_mtu_discovery(deployed: OciEngine) -> None:
    rules = [resource.inputs for resource in deployed.by_name(RULE).values()]

    assert not any(rule.get("stateless") for rule in rules)
    assert all(rule["icmpOptions"] == {"type": 3, "code": 4} for rule in rules if rule["protocol"] == "1")
    nodes = deployed.exports["nodes"]["group"]  # the overlay network connects them
    unlimited = [rule for rule in rules if rule["protocol"] == "all"]
    assert all(
        {rule["networkSecurityGroupId"], rule.get("source", rule.get("destination"))} == {nodes} for rule in unlimited
    )


def test_repeated_blocks_in_any_order_are_no_change() -> None:
    engines = [deploy(OciEngine(), cidrs=cidrs) for cidrs in ([OFFICE, "10.2.0.0/16"], ["10.2.0.0/16", OFFICE, OFFICE])]

    before, after = ({r.name: r.inputs for r in engine.by_name(RULE).values()} for engine in engines)
    assert before == after


def test_security_lists_allow_nothing(deployed: OciEngine) -> None:
    (empty,) = deployed.by_name("oci:Core/securityList:SecurityList").values()
    assert not {"ingressSecurityRules", "egressSecurityRules"} & empty.inputs.keys()
    assert all(r.inputs["securityListIds"] == [f"{empty.name}-id"] for r in deployed.by_name(SUBNET).values())


def test_only_nodes_are_in_a_private_subnet(deployed: OciEngine) -> None:
    private = {name for name, r in deployed.by_name(SUBNET).items() if r.inputs.get("prohibitPublicIpOnVnic")}
    assert private == {"oke-nodes"}
    (oracle,) = deployed.find("oci:Core/serviceGateway:ServiceGateway").inputs["services"]
    assert oracle == {"serviceId": "all-services"}

    gateways = {
        f"{name}-id": {rule["destination"]: rule["networkEntityId"] for rule in r.inputs["routeRules"]}
        for name, r in deployed.by_name("oci:Core/routeTable:RouteTable").items()
    }
    for name, subnet in deployed.by_name(SUBNET).items():
        assert "availabilityDomain" not in subnet.inputs  # it spans all of them
        routes = gateways[subnet.inputs["routeTableId"]]
        assert routes["0.0.0.0/0"] == ("oke-nat-id" if name in private else "oke-internet-id")
        assert routes.get(ORACLE) == ("oke-oracle-id" if name in private else None)


def test_address_blocks_do_not_overlap() -> None:
    vcn = ip_network(VCN_CIDR)
    subnets = [ip_network(cidr) for cidr in (API_CIDR, NODES_CIDR, LOAD_BALANCERS_CIDR)]

    assert all(subnet.subnet_of(vcn) for subnet in subnets)  # pyright: ignore[reportArgumentType]
    outside = [vcn, ip_network(PODS_CIDR), ip_network(SERVICES_CIDR)]
    assert not any(a.overlaps(b) for blocks in (subnets, outside) for a, b in combinations(blocks, 2))


@pytest.mark.parametrize("kept", [True, False])
def test_everything_is_kept_except_the_rules_of_a_setting(engine: OciEngine, *, kept: bool) -> None:
    deploy(engine, cidrs=[OFFICE], kept=kept)

    options = {r.name: (r.protect, r.retain_on_delete) for r in engine.resources if r.type.startswith("oci:")}
    assert options.pop(f"oke-api-from-{OFFICE}") == (False, False)
    assert set(options.values()) == {(kept, kept)}


def test_a_new_display_name_replaces_nothing() -> None:
    def on_oci(name: str) -> dict[str, dict[str, Any]]:
        engine = deploy(OciEngine(), display_name=name)
        return {r.urn: dict(r.inputs) for r in engine.resources if r.type.startswith("oci:")}

    before, after = on_oci("todo"), on_oci("renamed")

    for inputs in (inputs for urn, inputs in after.items() if RULE not in urn):
        assert inputs["freeformTags"] == TAGS
        assert inputs.pop("displayName").startswith("renamed")  # OCI updates it in place
    assert after == {
        urn: {key: inputs[key] for key in inputs.keys() & after[urn].keys()} for urn, inputs in before.items()
    }
