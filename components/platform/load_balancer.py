"""Waits for a load balancer that the cluster makes for a Service."""

import asyncio
import time
from http import HTTPStatus

import pulumi
from lightkube import ApiError, AsyncClient
from lightkube.resources.core_v1 import Service

from components.cluster.existing import told
from kube.addresses import address
from kube.kubeconfig import Kubeconfig

_POLL_SECONDS = 2.0
_NOTICED_SECONDS = 10.0
_PROVISIONED_SECONDS = 600.0
# https://kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer/#garbage-collecting-load-balancers
_HAS_CONTROLLER = "service.kubernetes.io/load-balancer-cleanup"


class LoadBalancerError(pulumi.RunError):
    """A load balancer that does not come to be; the message is for the user."""


async def wait_for_address(kubeconfig: Kubeconfig, namespace: str, service_name: str) -> str:
    """The address of a Service of the type LoadBalancer, awaited as long as somebody works on it; else empty.

    Raises LoadBalancerError.
    """
    began = time.monotonic()
    with told(kubeconfig):
        client = kubeconfig.async_client()
    while True:
        with told(kubeconfig):
            service = await _find(client, namespace, service_name)
        if service is None:
            return ""
        if found := address(service):
            return found
        waited = time.monotonic() - began
        is_noticed = _HAS_CONTROLLER in ((service.metadata and service.metadata.finalizers) or [])
        if pulumi.runtime.is_dry_run() or (waited > _NOTICED_SECONDS and not is_noticed):
            return ""
        if waited > _PROVISIONED_SECONDS:
            raise LoadBalancerError(
                f"The load balancer has no address after {_PROVISIONED_SECONDS / 60:.0f} minutes.\n"
                f"    {kubeconfig.kubectl} --namespace {namespace} describe service {service_name}"
                "   says why, such as a limit of the tenancy"
            )
        await asyncio.sleep(_POLL_SECONDS)


async def _find(client: AsyncClient, namespace: str, name: str) -> Service | None:
    """The Service, unless somebody has deleted it, which a preview without a refresh does not know."""
    try:
        return await client.get(Service, name, namespace=namespace)
    except ApiError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise
