"""Waits for a load balancer that the cluster makes for a Service."""

import asyncio
import time
from http import HTTPStatus

import pulumi
from lightkube import ApiError, AsyncClient
from lightkube.resources.core_v1 import Service

from components.errors import as_run_errors
from kube.errors import translate_errors
from kube.kubeconfig import Kubeconfig
from kube.objects import finalizers, load_balancer_address
from system.errors import UserError

_POLL_SECONDS = 2.0
_NOTICED_SECONDS = 10.0
_PROVISIONED_SECONDS = 600.0
# https://kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer/#garbage-collecting-load-balancers
_HAS_CONTROLLER = "service.kubernetes.io/load-balancer-cleanup"


async def wait_for_address(kubeconfig: Kubeconfig, namespace: str, service_name: str) -> str:
    """The address of a Service of the type LoadBalancer, awaited as long as somebody works on it; else empty.

    Raises RunError.
    """
    with as_run_errors():
        return await _wait_for_address(kubeconfig, namespace, service_name)


async def _wait_for_address(kubeconfig: Kubeconfig, namespace: str, service_name: str) -> str:
    began = time.monotonic()
    with translate_errors(kubeconfig):
        client = kubeconfig.async_client()
    while True:
        with translate_errors(kubeconfig):
            service = await _find(client, namespace, service_name)
        if service is None:
            return ""
        if found := load_balancer_address(service):
            return found
        waited = time.monotonic() - began
        is_noticed = _HAS_CONTROLLER in finalizers(service)
        if pulumi.runtime.is_dry_run() or (waited > _NOTICED_SECONDS and not is_noticed):
            return ""
        if waited > _PROVISIONED_SECONDS:
            raise UserError(
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
