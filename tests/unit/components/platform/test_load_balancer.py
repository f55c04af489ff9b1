import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pulumi
import pytest
import yaml

from components.platform.load_balancer import Timing, wait_for_address
from kube import kubeconfig
from tests.support import example
from tests.support.api_server import ApiServer

SERVICE = "/api/v1/namespaces/edge/services/traefik"
CLAIMED: Mapping[str, Any] = {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}
QUICK = Timing(poll=0.01, controller=0.1, address=0.5)


def has_service(server: ApiServer, *points: Mapping[str, str], metadata: Mapping[str, Any] = CLAIMED) -> None:
    server.has(SERVICE, {"metadata": metadata, "status": {"loadBalancer": {"ingress": points}}})


def wait(server: ApiServer, timing: Timing = QUICK) -> str:
    config = kubeconfig.read(yaml.safe_dump(example.kubeconfig(server.url)))
    return asyncio.run(wait_for_address(config, "edge", "traefik", timing))


def test_the_address_of_a_load_balancer(api_server: ApiServer) -> None:
    has_service(api_server, {"ip": "203.0.113.7"})

    assert wait(api_server) == "203.0.113.7"


def test_a_claimed_load_balancer_is_awaited(api_server: ApiServer) -> None:
    has_service(api_server)

    def provision() -> None:
        api_server.wait_for(SERVICE, more=40)  # longer than the wait for a controller
        has_service(api_server, {"ip": "203.0.113.9"})

    with ThreadPoolExecutor() as controller:
        provisioned = controller.submit(provision)
        assert wait(api_server, Timing(poll=0.01, controller=0.1, address=60.0)) == "203.0.113.9"
    provisioned.result()


@pytest.mark.parametrize("metadata", [{}, {"finalizers": ["foregroundDeletion"]}])
def test_a_cluster_without_load_balancers_has_no_address(api_server: ApiServer, metadata: Mapping[str, Any]) -> None:
    has_service(api_server, metadata=metadata)

    assert wait(api_server) == ""


def test_a_load_balancer_without_address_is_reported(api_server: ApiServer) -> None:
    has_service(api_server)

    with pytest.raises(pulumi.RunError, match=r"\nhint: kubectl .* --namespace edge describe service traefik$"):
        wait(api_server)


def test_a_deleted_service_has_no_address(api_server: ApiServer) -> None:
    assert wait(api_server) == ""


def test_a_rejected_request_is_reported(api_server: ApiServer) -> None:
    api_server.refuses(SERVICE, HTTPStatus.FORBIDDEN, "services is forbidden")

    with pytest.raises(pulumi.RunError, match="services is forbidden"):
        wait(api_server)
