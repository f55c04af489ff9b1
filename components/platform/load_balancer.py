"""The address of a load balancer that the cluster creates for a Service."""

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus

import pulumi
from lightkube import ApiError, AsyncClient
from lightkube.resources.core_v1 import Service

from components.errors import as_run_errors
from kube.errors import translate_errors
from kube.kubeconfig import Kubeconfig
from kube.objects import finalizers, load_balancer_address
from system.errors import UserError

# https://kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer/#garbage-collecting-load-balancers
_HAS_CONTROLLER = "service.kubernetes.io/load-balancer-cleanup"


@dataclass(frozen=True)
class Timing:
    """Seconds to wait."""

    poll: float = 2.0
    controller: float = 10.0  # for a controller to claim the Service
    address: float = 600.0  # for the controller to provision the load balancer


_TIMING = Timing()


async def wait_for_address(kubeconfig: Kubeconfig, namespace: str, service: str, timing: Timing = _TIMING) -> str:
    """Return the address of a Service of type LoadBalancer; empty if no controller provisions one.

    A preview does not wait. Raises RunError.
    """
    began = time.monotonic()
    with as_run_errors():
        with translate_errors(kubeconfig):
            client = kubeconfig.async_client()
        while True:
            with translate_errors(kubeconfig):
                found = await _find(client, namespace, service)
            if found is None:
                return ""
            if address := load_balancer_address(found):
                return address
            waited = time.monotonic() - began
            is_claimed = _HAS_CONTROLLER in finalizers(found)
            if pulumi.runtime.is_dry_run() or (waited > timing.controller and not is_claimed):
                return ""
            if waited > timing.address:
                raise UserError(
                    f"The load balancer of Service {service} has no address after {waited / 60:.0f} minutes; the "
                    "Service's events give the reason, such as a limit of the tenancy.",
                    f"{kubeconfig.kubectl} --namespace {namespace} describe service {service}",
                )
            await asyncio.sleep(timing.poll)


async def _find(client: AsyncClient, namespace: str, name: str) -> Service | None:
    """Return the Service, or None if it was deleted manually, which a preview without a refresh does not know."""
    try:
        return await client.get(Service, name, namespace=namespace)
    except ApiError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise
