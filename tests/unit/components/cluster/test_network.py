"""`OkeNetwork`: the subnets, where their packets go, and who may talk to whom."""

from collections.abc import Sequence
from ipaddress import ip_network
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
ORACLE = "all-fra-services-in-oracle-services-network"

# Of each group and direction: the other side, protocol and ports.
DOCUMENTED = """
api             from  nodes           TCP 6443
api             from  nodes           TCP 12250
api             from  nodes           ICMP 3,4
api             to    nodes           TCP
api             to    nodes           ICMP 3,4
api             to    Oracle          TCP 443
nodes           from  nodes           all
nodes           from  api             TCP
nodes           from  api             ICMP 3,4
nodes           from  0.0.0.0/0       ICMP 3,4
nodes           from  load-balancers  TCP 30000-32767
nodes           from  load-balancers  TCP 10256
nodes           to    nodes           all
nodes           to    api             TCP 6443
nodes           to    api             TCP 12250
nodes           to    api             ICMP 3,4
nodes           to    Oracle          TCP
nodes           to    0.0.0.0/0       TCP
nodes           to    0.0.0.0/0       ICMP 3,4
load-balancers  from  0.0.0.0/0       TCP 80
load-balancers  from  0.0.0.0/0       TCP 443
load-balancers  to    nodes           TCP 30000-32767
load-balancers  to    nodes           TCP 10256
"""


def deploy(
    engine: OciEngine,
    *,
    cidrs: Sequence[str] = (),
    protect: bool = True,
    retain_on_delete: bool = False,
    display_name: str = "todo",
) -> None:
    def program() -> None:
        args = OkeNetworkArgs("ocid1.compartment.oc1..a", display_name, cidrs, protect, retain_on_delete, TAGS)
        network = OkeNetwork("oke", args)
        for name in ("api", "nodes", "load_balancers"):
            place: Place = getattr(network, name)
            pulumi.export(name, {"subnet": place.subnet_id, "group": place.group_id})
        pulumi.export("vcn", network.vcn_id)

    engine.deploy(program)


def rules(engine: OciEngine) -> list[str]:
    return sorted(_line(resource.inputs) for resource in engine.by_name(RULE).values())


def _line(rule: Any) -> str:
    ingress = rule["direction"] == "INGRESS"
    side = "source" if ingress else "destination"
    kind, other = rule[f"{side}Type"], rule[side]
    kinds = {ORACLE: "SERVICE_CIDR_BLOCK"} if other == ORACLE else {}
    assert kind == kinds.get(other, "CIDR_BLOCK" if "/" in other else "NETWORK_SECURITY_GROUP")
    assert not rule.get("stateless")
    assert ("tcpOptions" in rule) <= (rule["protocol"] == "6")
    group, other = _group(rule["networkSecurityGroupId"]), "Oracle" if other == ORACLE else _group(other)
    return f"{group:16}{'from' if ingress else 'to':6}{other:16}{_traffic(rule)}"


def _group(name: str) -> str:
    return name.removeprefix("oke-").removesuffix("-id")


def _traffic(rule: Any) -> str:
    if rule["protocol"] == "1":
        return f"ICMP {rule['icmpOptions']['type']:.0f},{rule['icmpOptions']['code']:.0f}"
    ports = rule.get("tcpOptions", {}).get("destinationPortRange")
    name = {"6": "TCP", "all": "all"}[rule["protocol"]]
    if ports is None:
        return name
    first, last = f"{ports['min']:.0f}", f"{ports['max']:.0f}"
    return f"{name} {first}" if first == last else f"{name} {first}-{last}"


@pytest.fixture
def engine() -> OciEngine:
    return OciEngine()


def test_who_may_talk_to_whom_is_what_oracle_documents(engine: OciEngine) -> None:
    deploy(engine)

    assert rules(engine) == sorted(DOCUMENTED.strip().splitlines())


def test_the_api_can_be_reached_from_the_blocks_that_are_allowed(engine: OciEngine) -> None:
    deploy(engine, cidrs=["203.0.113.0/24", "198.51.100.7/32", "203.0.113.0/24"])

    assert set(rules(engine)) - set(DOCUMENTED.strip().splitlines()) == {
        "api             from  198.51.100.7/32 TCP 6443",
        "api             from  203.0.113.0/24  TCP 6443",
    }
    assert len(rules(engine)) == len(DOCUMENTED.strip().splitlines()) + 2


def test_the_order_of_the_blocks_is_no_change() -> None:
    engines = OciEngine(), OciEngine()

    for engine, cidrs in zip(engines, (["10.1.0.0/16", "10.2.0.0/16"], ["10.2.0.0/16", "10.1.0.0/16"]), strict=True):
        deploy(engine, cidrs=cidrs)

    before, after = ({r.name: r.inputs for r in engine.by_name(RULE).values()} for engine in engines)
    assert before == after


def test_nothing_is_allowed_by_the_security_list(engine: OciEngine) -> None:
    deploy(engine)

    (empty,) = engine.by_name("oci:Core/securityList:SecurityList").values()
    assert not {"ingressSecurityRules", "egressSecurityRules"} & empty.inputs.keys()
    subnets = engine.by_name("oci:Core/subnet:Subnet").values()
    assert [subnet.inputs["securityListIds"] for subnet in subnets] == [[f"{empty.name}-id"]] * 3


def test_the_nodes_are_private_and_the_rest_is_public(engine: OciEngine) -> None:
    deploy(engine)

    subnets = engine.by_name("oci:Core/subnet:Subnet")
    assert {
        name: (
            subnet.inputs["cidrBlock"],
            bool(subnet.inputs.get("prohibitPublicIpOnVnic")),
            subnet.inputs["routeTableId"],
        )
        for name, subnet in subnets.items()
    } == {
        "oke-api": (API_CIDR, False, "oke-public-id"),
        "oke-load-balancers": (LOAD_BALANCERS_CIDR, False, "oke-public-id"),
        "oke-nodes": (NODES_CIDR, True, "oke-private-id"),
    }
    # One for all availability domains.
    assert all("availabilityDomain" not in subnet.inputs for subnet in subnets.values())


def test_the_cluster_learns_where_its_parts_are(engine: OciEngine) -> None:
    deploy(engine)

    places = {name: f"oke-{name.replace('_', '-')}-id" for name in ("api", "nodes", "load_balancers")}
    assert engine.exports == {"vcn": "oke-id", **{name: {"subnet": id_, "group": id_} for name, id_ in places.items()}}


def test_packets_leave_by_the_gateway_of_their_subnet(engine: OciEngine) -> None:
    deploy(engine)

    assert {
        name: {
            (rule["destinationType"], rule["destination"]): rule["networkEntityId"] for rule in r.inputs["routeRules"]
        }
        for name, r in engine.by_name("oci:Core/routeTable:RouteTable").items()
    } == {
        "oke-public": {("CIDR_BLOCK", "0.0.0.0/0"): "oke-internet-id"},
        "oke-private": {("CIDR_BLOCK", "0.0.0.0/0"): "oke-nat-id", ("SERVICE_CIDR_BLOCK", ORACLE): "oke-oracle-id"},
    }
    assert engine.find("oci:Core/serviceGateway:ServiceGateway").inputs["services"] == [{"serviceId": "all-services"}]


def test_no_two_blocks_overlap() -> None:
    subnets = [ip_network(cidr) for cidr in (API_CIDR, NODES_CIDR, LOAD_BALANCERS_CIDR)]
    blocks = [*subnets, ip_network(PODS_CIDR), ip_network(SERVICES_CIDR)]

    assert all(subnet.subnet_of(ip_network(VCN_CIDR)) for subnet in subnets)  # pyright: ignore[reportArgumentType]
    assert not any(a.overlaps(b) for a in blocks for b in blocks if a is not b)
    assert not any(ip_network(VCN_CIDR).overlaps(ip_network(cidr)) for cidr in (PODS_CIDR, SERVICES_CIDR))


@pytest.mark.parametrize("kept", [True, False])
def test_all_is_kept_but_the_rules_of_a_setting(engine: OciEngine, *, kept: bool) -> None:
    deploy(engine, cidrs=["203.0.113.0/24"], protect=kept, retain_on_delete=kept)

    of_oci = [resource for resource in engine.resources if resource.type.startswith("oci:")]
    assert {r.name: (r.protect, engine.options(r).retainOnDelete) for r in of_oci} == {
        **{r.name: (kept, kept) for r in of_oci},
        "oke-api-from-203.0.113.0/24": (False, False),
    }


def test_everything_has_the_tags_and_the_name_that_may_change() -> None:
    engines = OciEngine(), OciEngine()

    for engine, name in zip(engines, ("todo", "renamed"), strict=True):
        deploy(engine, display_name=name)

    before, after = (
        {(r.type, r.name): {**r.inputs, "displayName": ""} for r in engine.resources if r.type.startswith("oci:")}
        for engine in engines
    )
    assert before == after  # display names are all that a name changes, and OCI updates those
    named = [r for r in engines[1].resources if r.type.startswith("oci:") and r.type != RULE]
    assert all(r.inputs["displayName"].startswith("renamed") and r.inputs["freeformTags"] == TAGS for r in named)
    assert {r.parent for r in named} == {"oke"}
