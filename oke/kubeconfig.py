"""The kubeconfig of an OKE cluster: OCI's own, with this repository's plug-in in the place of the OCI CLI.

Sources: https://docs.oracle.com/cd/F90410_01/3.0-latest/ceapi/op-20180222-clusters-cluster_id-kubeconfig-content-post.html,
https://docs.oracle.com/iaas/tools/oci-cli/latest/oci_cli_docs/cmdref/ce/cluster/create-kubeconfig.html
"""

import json
import os
import sys
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

import httpx2
import yaml

from oke import PLUGIN, credentials, token
from oke.signature import signed_headers
from system.errors import UserError

_ENDPOINTS = {"public": "PUBLIC_ENDPOINT", "private": "PRIVATE_ENDPOINT"}
_SECONDS = 30


@dataclass(frozen=True)
class Access:
    """cluster: its OCID.

    region, profile, auth: those of `credentials.load`; the kubeconfig holds what is not empty.
    """

    cluster: str
    region: str
    profile: str
    auth: str


def create(access: Access, endpoint: Literal["public", "private"], now: datetime) -> str:
    """The kubeconfig as YAML, without any credential: it names this Python and this folder; now: in UTC.

    OCI_CLI_ENDPOINT is another API to ask than the region's, with its version's path, as in Oracle's CLI.

    Raises UserError, within 30 seconds, where OCI gives none.
    """
    found = credentials.load(access.profile, access.auth, access.region)
    content = _content(found, access.cluster, _ENDPOINTS[endpoint], now)
    try:
        document = yaml.safe_load(content)
        for user in document["users"]:
            user["user"] = {"exec": _plugin(access, found.region)}
    except (yaml.YAMLError, KeyError, TypeError):
        raise UserError(f"OCI's answer for {access.cluster} is no kubeconfig.") from None
    return yaml.safe_dump(document).rstrip()


def _content(signer: credentials.Credentials, cluster: str, endpoint: str, now: datetime) -> bytes:
    default = f"https://containerengine.{signer.region}.oci.oraclecloud.com/20180222"
    service = os.environ.get("OCI_CLI_ENDPOINT") or default
    url = f"{service}/clusters/{cluster}/kubeconfig/content"
    body = json.dumps({"tokenVersion": "2.0.0", "endpoint": endpoint}).encode()
    try:
        response = httpx2.post(
            url, content=body, headers=signed_headers(signer, "POST", url, now, body), timeout=_SECONDS
        )
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise UserError(f"OCI does not answer at {service}: {error}.\n    curl {service}   tells more") from None
    if response.status_code != HTTPStatus.OK:
        raise UserError(_refusal(response, cluster, signer.region))
    return response.content


def _refusal(response: httpx2.Response, cluster: str, region: str) -> str:
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        return (
            "OCI does not know the key, or this machine's clock is five minutes off.\n"
            "    date -u   and see that the fingerprint is one of the user's API keys in the console"
        )
    if response.status_code in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):  # OCI does not tell which of both it is
        return (
            f"There is no cluster {cluster} in {region}, or the user may not use it.\n"
            "    Allow group GROUP to use clusters in compartment COMPARTMENT   is the policy for that"
        )
    try:
        told = response.json()["message"]
    except (ValueError, KeyError, TypeError):
        told = response.reason_phrase
    return f"OCI gives no kubeconfig for {cluster} ({response.status_code}): {told}"


def _plugin(access: Access, region: str) -> dict[str, Any]:
    chosen = {"--profile": access.profile, "--auth": access.auth}
    options = [argument for name, value in chosen.items() if value for argument in (name, value)]
    return {
        "apiVersion": token.API_VERSION,
        "command": sys.executable,
        # -P: whatever is named like a module in the folder where kubectl runs is not to be imported.
        "args": ["-P", "-m", "delivery", PLUGIN, "--cluster", access.cluster, "--region", region, *options],
        "env": [{"name": "PYTHONPATH", "value": str(Path(__file__).parents[1])}],
        "interactiveMode": "Never",
    }
