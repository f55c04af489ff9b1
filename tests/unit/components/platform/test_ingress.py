"""The ingress controller with its load balancer, and the certificates."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pulumi
import pytest

from components.platform import load_balancer
from components.platform.cert_manager import CertManager, CertManagerArgs
from components.platform.ingress import ALWAYS_FREE_MBPS, IngressController, IngressControllerArgs
from settings.types import OFFICIAL_CHART
from tests.support.api_server import ApiServer
from tests.support.engine import UNKNOWN, Engine
from tests.support.fake_cluster import FakeCluster

RELEASE = "kubernetes:helm.sh/v3:Release"
SERVICE = "kubernetes:core/v1:Service"
ISSUER = "kubernetes:cert-manager.io/v1:Issuer"
LIVE_SERVICE = "/api/v1/namespaces/traefik/services/traefik"
OCI = "oci.oraclecloud.com"
OCI_LOAD_BALANCER = "service.beta.kubernetes.io/oci-load-balancer"
NOTICED: Mapping[str, Any] = {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}


@pytest.fixture
def cluster(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    """A cluster whose load balancer has an address, looked at by an impatient program."""
    for seconds, value in (("_POLL_SECONDS", 0.01), ("_NOTICED_SECONDS", 0.1), ("_PROVISIONED_SECONDS", 2.0)):
        monkeypatch.setattr(load_balancer, seconds, value)
    balance(api_server, "203.0.113.7")
    return api_server


def balance(cluster: ApiServer, address: str = "", metadata: Mapping[str, Any] = NOTICED) -> None:
    status = {"loadBalancer": {"ingress": [{"ip": address}]} if address else {}}
    cluster.has(LIVE_SERVICE, {"metadata": metadata, "status": status})


def deploy(engine: Engine, api: ApiServer, *, preview: bool = False, **changes: Any) -> None:
    defaults: dict[str, Any] = {
        "cluster": FakeCluster(api.url),
        "chart": OFFICIAL_CHART,
        "version": "41.6.1",
        "namespace": "traefik",
        "min_mbps": ALWAYS_FREE_MBPS,
        "max_mbps": ALWAYS_FREE_MBPS,
        "redirect_to_https": False,
        "protect": False,
    }

    engine.creations.setdefault((RELEASE, "ingress"), lambda: {"status": {"status": "deployed"}})

    def program() -> None:
        controller = IngressController("ingress", IngressControllerArgs(**defaults | changes))
        pulumi.export("endpoint", controller.endpoint)

    engine.deploy(program, preview=preview)


def deploy_cert_manager(engine: Engine, **changes: Any) -> None:
    defaults: dict[str, Any] = {
        "chart": OFFICIAL_CHART,
        "version": "1.21.3",
        "namespace": "cert-manager",
        "app_namespace": "todo",
        "email": "owner@example.com",
        "protect": False,
    }

    def program() -> None:
        pulumi.export("issuer", CertManager("certificates", CertManagerArgs(**defaults | changes)).issuer)

    engine.deploy(program)


def annotations(engine: Engine) -> Mapping[str, str]:
    return engine.find(SERVICE).inputs["metadata"]["annotations"]


def test_the_official_chart_comes_from_traefiks_repository_at_its_version(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster)

    release = engine.find(RELEASE).inputs
    assert (release["name"], release["namespace"], release["chart"]) == ("traefik", "traefik", "traefik")
    assert release["repositoryOpts"] == {"repo": "https://traefik.github.io/charts"}
    assert release["version"] == "41.6.1"


def test_the_official_chart_comes_from_cert_managers_repository_at_its_version(engine: Engine) -> None:
    deploy_cert_manager(engine)

    release = engine.find(RELEASE).inputs
    assert (release["name"], release["namespace"], release["chart"]) == ("cert-manager", "cert-manager", "cert-manager")
    assert release["repositoryOpts"] == {"repo": "https://charts.jetstack.io"}
    assert release["version"] == "v1.21.3"


def test_a_chart_in_a_folder_comes_from_there_alone(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster, chart=".tools/charts/traefik")

    release = engine.find(RELEASE).inputs
    assert release["chart"] == ".tools/charts/traefik"
    assert release.keys().isdisjoint({"repositoryOpts", "version"})


def test_a_release_that_does_not_become_ready_is_taken_back(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster)
    others = Engine()
    deploy_cert_manager(others)

    for release in (engine.find(RELEASE).inputs, others.find(RELEASE).inputs):
        assert (release["atomic"], release["timeout"]) == (True, 600)
        assert "skipAwait" not in release


def test_the_load_balancer_outlives_the_release(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster)

    service = engine.find(SERVICE)
    assert service.inputs["spec"]["type"] == "LoadBalancer"
    assert engine.find(RELEASE).inputs["values"]["service"] == {"enabled": False}
    assert engine.find(RELEASE) not in engine.finishes_first(service)


def test_the_load_balancer_has_the_bandwidth_of_the_settings(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster, min_mbps=10, max_mbps=100)

    assert (
        annotations(engine).items()
        >= {
            f"{OCI_LOAD_BALANCER}-shape": "flexible",
            f"{OCI_LOAD_BALANCER}-shape-flex-min": "10",
            f"{OCI_LOAD_BALANCER}-shape-flex-max": "100",
        }.items()
    )


def test_the_free_load_balancer_is_of_10_mbps() -> None:
    assert ALWAYS_FREE_MBPS == 10


def test_a_network_with_groups_opens_nothing_by_itself(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster, cluster=FakeCluster(cluster.url, group="ocid1.networksecuritygroup.oc1..a"))

    assert annotations(engine)[f"{OCI}/oci-network-security-groups"] == "ocid1.networksecuritygroup.oc1..a"
    assert annotations(engine)[f"{OCI}/security-rule-management-mode"] == "None"


def test_a_network_without_groups_is_opened_by_oke(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster)

    assert not [name for name in annotations(engine) if "security" in name]


def test_the_address_of_a_client_is_told_and_believed(engine: Engine, cluster: ApiServer) -> None:
    deploy(engine, cluster)

    assert annotations(engine)[f"{OCI_LOAD_BALANCER}-connection-proxy-protocol-version"] == "2"
    assert engine.find(SERVICE).inputs["spec"]["externalTrafficPolicy"] == "Cluster"
    ports = engine.find(RELEASE).inputs["values"]["ports"]
    for port in ("web", "websecure"):
        assert ports[port]["proxyProtocol"] == {"trustedIPs": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]}


@pytest.mark.parametrize("protect", [True, False])
def test_the_platform_is_protected_where_the_stack_is(engine: Engine, cluster: ApiServer, *, protect: bool) -> None:
    deploy(engine, cluster, protect=protect)
    others = Engine()
    deploy_cert_manager(others, protect=protect)

    for resource in (engine.find(SERVICE), engine.find(RELEASE), others.find(RELEASE)):
        assert resource.protect is protect


@pytest.mark.parametrize(
    ("points", "endpoint"),
    [
        ([{"ip": "203.0.113.7"}], "203.0.113.7"),
        ([{"hostname": "lb.example.com", "ip": "203.0.113.7"}], "lb.example.com"),
        ([{"ip": "203.0.113.7"}, {"ip": "203.0.113.8"}], "203.0.113.7"),
    ],
)
def test_the_endpoint_is_the_load_balancers_address(
    engine: Engine, cluster: ApiServer, points: list[Mapping[str, str]], endpoint: str
) -> None:
    cluster.has(LIVE_SERVICE, {"metadata": NOTICED, "status": {"loadBalancer": {"ingress": points}}})

    deploy(engine, cluster)

    assert engine.exports == {"endpoint": endpoint}


def test_the_address_is_awaited_while_somebody_makes_it(
    engine: Engine, cluster: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_balancer, "_PROVISIONED_SECONDS", 60.0)
    balance(cluster)

    def make() -> None:
        cluster.wait_for(LIVE_SERVICE, more=40)  # for longer than one that nobody makes is waited for
        balance(cluster, "203.0.113.9")

    with ThreadPoolExecutor() as controller:
        made = controller.submit(make)
        deploy(engine, cluster)
    made.result()

    assert engine.exports == {"endpoint": "203.0.113.9"}


@pytest.mark.parametrize("metadata", [{}, {"finalizers": ["foregroundDeletion"]}])
def test_a_cluster_that_gives_no_load_balancers_has_no_endpoint(
    engine: Engine, cluster: ApiServer, metadata: Mapping[str, Any]
) -> None:
    balance(cluster, metadata=metadata)

    deploy(engine, cluster)

    assert engine.exports == {"endpoint": ""}
    assert annotations(engine)["pulumi.com/skipAwait"] == "true"


def test_a_load_balancer_that_never_gets_an_address_is_an_error_that_says_where_to_look(
    engine: Engine, cluster: ApiServer
) -> None:
    balance(cluster)

    with pytest.raises(pulumi.RunError) as error:
        deploy(engine, cluster)

    assert "--context example --namespace traefik describe service traefik" in str(error.value)


def test_a_preview_waits_for_nothing(engine: Engine, cluster: ApiServer) -> None:
    balance(cluster)

    deploy(engine, cluster, preview=True)

    assert engine.exports == {"endpoint": ""}
    assert len(cluster.requests) == 1


def test_a_load_balancer_that_was_deleted_by_hand_has_no_endpoint(engine: Engine, cluster: ApiServer) -> None:
    cluster.answers.clear()

    deploy(engine, cluster, preview=True)

    assert engine.exports == {"endpoint": ""}


def test_a_cluster_that_refuses_the_question_is_an_error(engine: Engine, cluster: ApiServer) -> None:
    cluster.refuses(LIVE_SERVICE, HTTPStatus.FORBIDDEN, "services is forbidden")

    with pytest.raises(pulumi.RunError, match="services is forbidden"):
        deploy(engine, cluster)


def test_a_first_preview_does_not_know_the_address(engine: Engine, cluster: ApiServer) -> None:
    engine.creations[RELEASE, "ingress"] = lambda: {"status": UNKNOWN}

    deploy(engine, cluster, preview=True)

    assert engine.exports == {"endpoint": UNKNOWN}


def test_the_issuer_asks_lets_encrypt_in_the_apps_namespace(engine: Engine) -> None:
    deploy_cert_manager(engine)

    issuer = engine.find(ISSUER).inputs
    assert issuer["metadata"] == {"name": "letsencrypt", "namespace": "todo"}
    acme = issuer["spec"]["acme"]
    assert (acme["server"], acme["email"]) == ("https://acme-v02.api.letsencrypt.org/directory", "owner@example.com")
    assert engine.exports == {"issuer": "letsencrypt"}


def test_the_challenge_is_answered_through_the_ingress_controller_alone(engine: Engine, cluster: ApiServer) -> None:
    deploy_cert_manager(engine)
    controller = Engine()
    deploy(controller, cluster)

    (solver,) = engine.find(ISSUER).inputs["spec"]["acme"]["solvers"]
    name = controller.find(RELEASE).inputs["values"]["ingressClass"]["name"]
    assert solver == {"http01": {"ingress": {"ingressClassName": name, "serviceType": "ClusterIP"}}}


def test_the_issuer_comes_after_the_webhook_that_judges_it(engine: Engine) -> None:
    deploy_cert_manager(engine)

    assert engine.find(RELEASE) in engine.finishes_first(engine.find(ISSUER))


def test_the_definitions_stay_when_cert_manager_goes(engine: Engine) -> None:
    deploy_cert_manager(engine)

    release = engine.find(RELEASE).inputs
    assert release["values"]["crds"] == {"enabled": True, "keep": True}
    assert "skipCrds" not in release
