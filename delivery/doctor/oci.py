"""Checks of the OCI credentials, and of the tenancy's policies and limits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx2

from delivery.doctor.context import TIMEOUT_SECONDS, Apis, Context, NotApplicable
from delivery.doctor.http import json_of
from delivery.doctor.requirements import REQUIREMENTS
from oke import api, credentials
from system.errors import UserError

_UPGRADE = "https://docs.oracle.com/en-us/iaas/Content/Billing/Tasks/changingpaymentmethod.htm"


def object_storage_namespace(apis: Apis, region: str) -> str:
    """Return the Object Storage namespace of the user's tenancy, which every API key can read. Raises UserError.

    region: empty for the region of the credentials.
    """
    signer = credentials.load(region=region)
    # https://docs.oracle.com/en-us/iaas/api/#/en/objectstorage/20160918/Namespace/GetNamespace
    return str(json_of(_get(signer, f"{apis.object_storage}/n")))


def key(context: Context) -> str:
    _ = context.oci_ocid  # not applicable outside of OCI
    try:
        namespace = object_storage_namespace(context.apis, context.setting("region"))
    except UserError as error:
        raise UserError(f"{error.message} Needed: {REQUIREMENTS['OCI_CLI_KEY_CONTENT']}", error.hint) from None
    return f"valid, the tenancy's namespace is {namespace}"


def access(context: Context) -> str:
    """List clusters, or get the named one: https://docs.oracle.com/en-us/iaas/api/#/en/containerengine/."""
    ocid = context.oci_ocid
    cluster = context.setting("clusterOcid")
    signer = _signer(context)
    path = f"/clusters/{ocid}" if cluster else f"/clusters?compartmentId={ocid}"
    verb = "use clusters" if cluster else "manage cluster-family"
    _get(
        signer,
        f"{context.apis.container_engine}{path}",
        f"There is no {ocid} in {signer.region}, or the user lacks the policy "
        f"`Allow group GROUP to {verb} in compartment COMPARTMENT`.",
    )
    return f"the user can see {'the cluster' if cluster else 'clusters in the compartment'}, in {signer.region}"


def domains(context: Context) -> str:
    return f"nodes spread over {', '.join(sorted(domain['name'] for domain in _domains(context)))}"


def limits(context: Context) -> str:
    """Compare the tenancy's service limits with the stack's resources: a free tenancy may have no NAT gateway.

    A resource without a listed limit passes: https://docs.oracle.com/en-us/iaas/api/#/en/limits/20190729/LimitValueSummary/.
    """
    needed = _needed(context)
    try:
        limits = _limits(context, str(_domains(context)[0]["compartmentId"]), needed)
    except UserError as error:
        raise NotApplicable(error.message) from None
    exceeded = [
        f"{name} is limited to {limits[name]}, and the stack needs {count}"
        for counts in needed.values()
        for name, count in counts.items()
        if limits.get(name, count) < count
    ]
    if exceeded:
        raise UserError(
            f"The tenancy's limits are too low: {'; '.join(exceeded)}. A pay-as-you-go account has more: {_UPGRADE}"
        )
    return "sufficient for the stack's resources"


def _needed(context: Context) -> Mapping[str, Mapping[str, int]]:
    """Return what the stack needs of each limit, by service and limit."""
    _compartment(context)
    nodes, ocpus, memory = (_number(context, key) for key in ("nodeCount", "nodeOcpus", "nodeMemoryGb"))
    networks = ("vcn-count", "internet-gateway-count", "nat-gateway-count", "service-gateway-count")
    return {
        "compute": {"standard-a1-core-count": nodes * ocpus, "standard-a1-memory-count": nodes * memory},
        "container-engine": {"cluster-count": 1},
        "load-balancer": {"lb-flexible-count": 1} if context.setting("ingressController") == "true" else {},
        "vcn": dict.fromkeys(networks, 1),
    }


def _number(context: Context, key: str) -> int:
    try:
        return int(context.setting(key))
    except ValueError:
        raise NotApplicable(f"{key} is not a number") from None


def _compartment(context: Context) -> str:
    """Return the OCID of the compartment for a new cluster. Raises NotApplicable."""
    if compartment := context.setting("compartmentOcid"):
        return compartment
    raise NotApplicable("the stack creates no cluster")


def _domains(context: Context) -> Sequence[Mapping[str, Any]]:
    """Return the availability domains, which name the tenancy too. Raises UserError where the user can see none.

    Source: https://docs.oracle.com/en-us/iaas/api/#/en/identity/20160918/AvailabilityDomain/
    """
    compartment = _compartment(context)
    refusal = (
        f"The user cannot see the availability domains of {compartment}: it lacks the policy "
        "`Allow group GROUP to inspect compartments in tenancy`."
    )
    url = f"{context.apis.identity}/availabilityDomains?compartmentId={compartment}"
    domains = json_of(_get(_signer(context), url, refusal))
    if not domains:
        raise UserError(refusal)
    return domains


def _limits(context: Context, tenancy: str, services: Iterable[str]) -> Mapping[str, int]:
    """Return each limit by name; a limit per availability domain counts as their sum."""
    signer = _signer(context)
    limits: dict[str, int] = defaultdict(int)
    for service in services:
        response = _get(
            signer,
            f"{context.apis.limits}/limitValues?compartmentId={tenancy}&serviceName={service}&limit=1000",
            "the user cannot inspect resource-availability in the tenancy",
        )
        for limit in json_of(response):
            limits[limit["name"]] += limit["value"]
    return limits


def _signer(context: Context) -> credentials.Credentials:
    return credentials.load(region=context.setting("region"))


def _get(signer: credentials.Credentials, address: str, refusal: str | None = None) -> httpx2.Response:
    """Send a signed request; refusal: the error for 403 and 404, which OCI uses alike. Raises UserError."""
    url = address.format(region=signer.region)
    response = api.send(signer, url, now=datetime.now(UTC), seconds=TIMEOUT_SECONDS)
    if response.status_code in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) and refusal:
        raise UserError(refusal)
    if not response.is_success:
        raise UserError(
            f"OCI failed at {urlsplit(url).hostname} ({response.status_code}); see https://ocistatus.oraclecloud.com."
        )
    return response
