"""What OCI says of the credentials, by its own API."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx2

from delivery.doctor.context import SECONDS, Apis, NotApplicable, Situation
from delivery.doctor.http import document
from delivery.doctor.requirements import ACCOUNTS
from oke import api, credentials
from system.errors import UserError

_MORE = (
    "https://docs.oracle.com/en-us/iaas/Content/Billing/Tasks/changingpaymentmethod.htm   "
    "makes it an account that pays as it goes, which may have more"
)


def object_storage_namespace(apis: Apis, region: str) -> str:
    """The Object Storage namespace of the user's tenancy: what every key of OCI may ask. Raises UserError.

    region: where to ask; that of the credentials where it is empty.
    """
    signer = credentials.load(region=region)
    # https://docs.oracle.com/en-us/iaas/api/#/en/objectstorage/20160918/Namespace/GetNamespace
    return str(document(_ask_oci(signer, f"{apis.object_storage}/n", "")))


def key(seen: Situation) -> str:
    _ = seen.in_oci
    try:
        namespace = object_storage_namespace(seen.apis, seen.setting("region"))
    except UserError as error:
        raise UserError(f"{error}\n    {ACCOUNTS['OCI_CLI_KEY_CONTENT']}") from None
    return f"OCI knows it, and the tenancy's namespace is {namespace}"


def access(seen: Situation) -> str:
    """Lists clusters, or gets the one that is named: https://docs.oracle.com/en-us/iaas/api/#/en/containerengine/."""
    ocid = seen.in_oci
    cluster = seen.setting("clusterOcid")
    signer = _signer(seen)
    path = f"/clusters/{ocid}" if cluster else f"/clusters?compartmentId={ocid}"
    verb = "use clusters" if cluster else "manage cluster-family"
    policy = f"Allow group GROUP to {verb} in compartment COMPARTMENT   is the policy for that"
    _ask_oci(
        signer,
        f"{seen.apis.container_engine}{path}",
        f"There is no {ocid} in {signer.region}, or the user may not {verb} there.\n    {policy}",
    )
    return f"the user may see {'the cluster' if cluster else 'clusters in the compartment'}, in {signer.region}"


def domains(seen: Situation) -> str:
    return f"the nodes are spread over {', '.join(sorted(domain['name'] for domain in _domains(seen)))}"


def limits(seen: Situation) -> str:
    """Whether the tenancy may have what the stack makes; one that was never upgraded may have no NAT gateway.

    What OCI lists no limit for is not judged: https://docs.oracle.com/en-us/iaas/api/#/en/limits/20190729/LimitValueSummary/.
    """
    wanted = _wanted(seen)
    try:
        allowed = _limits(seen, str(_domains(seen)[0]["compartmentId"]), wanted)
    except UserError as error:
        raise NotApplicable(str(error).partition("\n")[0]) from None
    lacking = [
        f"The tenancy may have {allowed[name]} of {name} in OCI, and the stack needs {needed}."
        for names in wanted.values()
        for name, needed in names.items()
        if allowed.get(name, needed) < needed
    ]
    if lacking:
        raise UserError("\n".join([*lacking, f"    {_MORE}"]))
    return "the tenancy may have what the stack makes"


def _wanted(seen: Situation) -> Mapping[str, Mapping[str, int]]:
    """By service, its limits by name, and how much of each the stack needs."""
    _ = seen.compartment
    nodes, ocpus, memory = (_number(seen, key) for key in ("nodeCount", "nodeOcpus", "nodeMemoryGb"))
    networks = ("vcn-count", "internet-gateway-count", "nat-gateway-count", "service-gateway-count")
    return {
        "compute": {"standard-a1-core-count": nodes * ocpus, "standard-a1-memory-count": nodes * memory},
        "container-engine": {"cluster-count": 1},
        "load-balancer": {"lb-flexible-count": 1} if seen.setting("ingressController") == "true" else {},
        "vcn": dict.fromkeys(networks, 1),
    }


def _number(seen: Situation, key: str) -> int:
    try:
        return int(seen.setting(key))
    except ValueError:
        raise NotApplicable(f"{key} is no number") from None


def _domains(seen: Situation) -> Sequence[Mapping[str, Any]]:
    """The availability domains, which name the tenancy too. Raises UserError where the user may see none.

    Source: https://docs.oracle.com/en-us/iaas/api/#/en/identity/20160918/AvailabilityDomain/
    """
    compartment = seen.compartment
    signer = _signer(seen)
    refusal = (
        f"The user may not see the availability domains of {compartment}, over which the nodes are spread.\n"
        "    Allow group GROUP to inspect compartments in tenancy   is the policy for that"
    )
    answer = _ask_oci(signer, f"{seen.apis.identity}/availabilityDomains?compartmentId={compartment}", refusal)
    found = document(answer)
    if not found:
        raise UserError(refusal)
    return found


def _limits(seen: Situation, tenancy: str, services: Iterable[str]) -> Mapping[str, int]:
    """By name; of what is limited in each availability domain, the sum."""
    signer = _signer(seen)
    allowed: dict[str, int] = defaultdict(int)
    for service in services:
        answer = _ask_oci(
            signer,
            f"{seen.apis.limits}/limitValues?compartmentId={tenancy}&serviceName={service}&limit=1000",
            "the user may not inspect resource-availability in tenancy",
        )
        for limit in document(answer):
            allowed[limit["name"]] += limit["value"]
    return allowed


def _signer(seen: Situation) -> credentials.Credentials:
    return credentials.load(region=seen.setting("region"))


def _ask_oci(signer: credentials.Credentials, address: str, refusal: str) -> httpx2.Response:
    url = address.format(region=signer.region)
    response = api.send(signer, url, now=datetime.now(UTC), seconds=SECONDS)
    if response.status_code in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) and refusal:
        raise UserError(refusal)
    if not response.is_success:
        raise UserError(
            f"OCI answers {response.status_code} at {urlsplit(url).hostname}.\n    https://ocistatus.oraclecloud.com"
        )
    return response
