"""What OCI says of the credentials, by its own API."""

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx2

from delivery import CommandError
from delivery.accounts import ACCOUNTS
from delivery.checks.answers import document
from delivery.checks.situation import SECONDS, Apis, Situation
from delivery.oke import credentials
from delivery.oke.signature import signed_headers


def object_storage_namespace(apis: Apis, region: str) -> str:
    """The Object Storage namespace of the user's tenancy: what every key of OCI may ask. Raises CommandError.

    region: where to ask; that of the credentials where it is empty.
    """
    signer = credentials.load("", "", region)
    # https://docs.oracle.com/en-us/iaas/api/#/en/objectstorage/20160918/Namespace/GetNamespace
    return str(document(_ask_oci(signer, f"{apis.object_storage}/n", "")))


def key(seen: Situation) -> str:
    _ = seen.in_oci
    try:
        namespace = object_storage_namespace(seen.apis, seen.setting("region"))
    except CommandError as error:
        raise CommandError(f"{error}\n    {ACCOUNTS['OCI_CLI_KEY_CONTENT']}") from None
    return f"OCI knows it, and the tenancy's namespace is {namespace}"


def access(seen: Situation) -> str:
    """Lists clusters, or gets the one that is named: https://docs.oracle.com/en-us/iaas/api/#/en/containerengine/."""
    ocid = seen.in_oci
    cluster = seen.setting("clusterOcid")
    signer = credentials.load("", "", seen.setting("region"))
    path = f"/clusters/{ocid}" if cluster else f"/clusters?compartmentId={ocid}"
    verb = "use clusters" if cluster else "manage cluster-family"
    policy = f"Allow group GROUP to {verb} in compartment COMPARTMENT   is the policy for that"
    _ask_oci(
        signer,
        f"{seen.apis.container_engine}{path}",
        f"There is no {ocid} in {signer.region}, or the user may not {verb} there.\n    {policy}",
    )
    return f"the user may see {'the cluster' if cluster else 'clusters in the compartment'}, in {signer.region}"


def _ask_oci(signer: credentials.Credentials, address: str, refusal: str) -> httpx2.Response:
    url = address.format(region=signer.region)
    try:
        response = httpx2.get(url, headers=signed_headers(signer, "GET", url, datetime.now(UTC)), timeout=SECONDS)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        host = urlsplit(url).hostname
        raise CommandError(f"OCI does not answer at {host}: {error}.\n    curl https://{host}   tells more") from None
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise CommandError(
            "OCI does not know the key, or this machine's clock is five minutes off.\n"
            "    date -u   and see that the fingerprint is one of the user's API keys in the console"
        )
    if response.status_code in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) and refusal:
        raise CommandError(refusal)
    if not response.is_success:
        raise CommandError(
            f"OCI answers {response.status_code} at {urlsplit(url).hostname}.\n    https://ocistatus.oraclecloud.com"
        )
    return response
