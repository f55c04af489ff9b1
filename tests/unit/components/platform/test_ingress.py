from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from components.platform.ingress import IngressController, IngressControllerArgs
from settings.types import OFFICIAL_CHART
from tests.support.api_server import ApiServer
from tests.support.engine import UNKNOWN, Engine
from tests.support.fake_cluster import FakeCluster

RELEASE = "kubernetes:helm.sh/v3:Release"
SERVICE = "kubernetes:core/v1:Service"
LIVE_SERVICE = "/api/v1/namespaces/edge/services/traefik"


@pytest.fixture
def cluster(api_server: ApiServer) -> ApiServer:
    """A cluster whose load balancer has an address."""
    balance(api_server, {"ip": "203.0.113.7"})
    return api_server


def balance(cluster: ApiServer, *points: Mapping[str, str]) -> None:
    cluster.has(LIVE_SERVICE, {"metadata": {}, "status": {"loadBalancer": {"ingress": points}}})


def deploy(engine: Engine, api: ApiServer, *, preview: bool = False, **changes: Any) -> None:
    defaults: dict[str, Any] = {
        "cluster": FakeCluster(api.url),
        "chart": OFFICIAL_CHART,
        "version": "41.6.1",
        "namespace": "edge",
        "redirect_to_https": False,
        "protect": False,
    }
    engine.creations.setdefault((RELEASE, "ingress"), lambda: {"status": {"status": "deployed"}})
    args = IngressControllerArgs(**defaults | changes)
    engine.deploy(lambda: pulumi.export("endpoint", IngressController("ingress", args).endpoint), preview=preview)


def annotations(engine: Engine) -> Mapping[str, str]:
    """Return the annotations of the load balancer, by the last part of their names."""
    found = engine.find(SERVICE).inputs["metadata"]["annotations"]
    return {name.rpartition("/")[2].removeprefix("oci-"): value for name, value in found.items()}


@pytest.mark.parametrize("protect", [True, False])
def test_release_has_the_version_and_the_protection_of_the_settings(
    engine: Engine, cluster: ApiServer, *, protect: bool
) -> None:
    deploy(engine, cluster, protect=protect)

    release = engine.find(RELEASE).inputs
    assert (release["chart"], release["version"], release["namespace"]) == ("traefik", "41.6.1", "edge")
    assert release["atomic"] is True
    assert "skipAwait" not in release
    assert engine.find(SERVICE).protect is engine.find(RELEASE).protect is protect


def test_the_load_balancer_outlives_the_release(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster)

    service = engine.find(SERVICE)
    assert service.inputs["spec"]["type"] == "LoadBalancer"
    assert engine.find(RELEASE).inputs["values"]["service"] == {"enabled": False}
    assert engine.find(RELEASE) not in engine.finishes_first(service)


def test_load_balancer_is_free_optional_and_passes_the_client_address(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster)

    found = annotations(engine)
    assert found["load-balancer-shape"] == "flexible"
    assert found["load-balancer-shape-flex-min"] == found["load-balancer-shape-flex-max"] == "10"
    assert found["skipAwait"] == "true"  # for clusters that give no address
    assert found["load-balancer-connection-proxy-protocol-version"] == "2"
    assert not [name for name in found if "security" in name]  # OKE opens the network


def test_the_group_of_the_cluster_replaces_rules_by_oke(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster, cluster=FakeCluster(cluster.url, group="ocid1.networksecuritygroup.oc1..a"))

    assert annotations(engine)["network-security-groups"] == "ocid1.networksecuritygroup.oc1..a"
    assert annotations(engine)["security-rule-management-mode"] == "None"


@pytest.mark.parametrize(
    ("points", "endpoint"),
    [
        ([{"ip": "203.0.113.7"}], "203.0.113.7"),
        ([{"hostname": "lb.example.com", "ip": "203.0.113.7"}], "lb.example.com"),
        ([{"ip": "203.0.113.7"}, {"ip": "203.0.113.8"}], "203.0.113.7"),
    ],
)
def test_the_endpoint_is_the_address_of_the_load_balancer(
    engine: Engine, cluster: ApiServer, points: list[Mapping[str, str]], endpoint: str
) -> None:
    balance(cluster, *points)

    deploy(engine, cluster)

    assert engine.exports == {"endpoint": endpoint}


def test_a_preview_does_not_wait_for_an_address(engine: Engine, cluster: ApiServer) -> None:
    balance(cluster)

    deploy(engine, cluster, preview=True)

    assert engine.exports == {"endpoint": ""}
    assert len(cluster.requests) == 1


def test_a_first_preview_does_not_know_the_address(engine: Engine, cluster: ApiServer) -> None:
    engine.creations[RELEASE, "ingress"] = lambda: {"status": UNKNOWN}

    deploy(engine, cluster, preview=True)

    assert engine.exports == {"endpoint": UNKNOWN}
