"""The kubeconfig of an OKE cluster: OCI's own, with this repository's exec plug-in in place of the OCI CLI.

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

from oke import PLUGIN, api, credentials, token
from system.errors import UserError

_ENDPOINTS = {"public": "PUBLIC_ENDPOINT", "private": "PRIVATE_ENDPOINT"}
_SECONDS = 30


@dataclass(frozen=True)
class Access:
    """A cluster and the credentials for it, as arguments of the exec plug-in; None is the default of `credentials`."""

    cluster: str  # its OCID
    region: str | None = None
    profile: str | None = None
    auth: str | None = None


def create(access: Access, endpoint: Literal["public", "private"], now: datetime) -> str:
    """Return the kubeconfig as YAML. It holds no credentials, but the paths of this Python and this folder.

    now: in UTC. OCI_CLI_ENDPOINT replaces the region's API, with the path of its version, as in Oracle's CLI.

    Raises UserError, within 30 seconds, where OCI gives no kubeconfig.
    """
    signer = credentials.load(profile=access.profile, auth=access.auth, region=access.region)
    content = _content(signer, access.cluster, _ENDPOINTS[endpoint], now)
    try:
        document = yaml.safe_load(content)
        for user in document["users"]:
            user["user"] = {"exec": _plugin(access, signer.region)}
    except (yaml.YAMLError, KeyError, TypeError):
        raise UserError(f"OCI's response for cluster {access.cluster} is not a kubeconfig.") from None
    return yaml.safe_dump(document).rstrip()


def _content(signer: credentials.Credentials, cluster: str, endpoint: str, now: datetime) -> bytes:
    default = f"https://containerengine.{signer.region}.oci.oraclecloud.com/20180222"
    url = f"{os.environ.get('OCI_CLI_ENDPOINT') or default}/clusters/{cluster}/kubeconfig/content"
    body = json.dumps({"tokenVersion": "2.0.0", "endpoint": endpoint}).encode()
    response = api.send(signer, url, body, now=now, seconds=_SECONDS)
    if response.status_code in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):  # OCI does not say which of both it is
        raise UserError(
            f"There is no cluster {cluster} in {signer.region}, or no policy allows the user to `use clusters` in its "
            "compartment."
        )
    if response.status_code != HTTPStatus.OK:
        raise UserError(f"OCI gives no kubeconfig for {cluster} ({response.status_code}): {_reason(response)}")
    return response.content


def _reason(response: httpx2.Response) -> str:
    try:
        return response.json()["message"]
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase


def _plugin(access: Access, region: str) -> dict[str, Any]:
    chosen = {"--profile": access.profile, "--auth": access.auth}
    options = [argument for name, value in chosen.items() if value for argument in (name, value)]
    return {
        "apiVersion": token.API_VERSION,
        "command": sys.executable,
        # -P: kubectl may run in a folder with files that have the names of modules.
        "args": ["-P", "-m", "delivery", PLUGIN, "--cluster", access.cluster, "--region", region, *options],
        "env": [{"name": "PYTHONPATH", "value": str(Path(__file__).parents[1])}],
        "interactiveMode": "Never",
    }
