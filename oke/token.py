"""The token that authenticates a user of OCI to an OKE cluster, as kubectl's exec credential plug-ins return it.

The token is a signed request, which the cluster sends to OCI to learn who signed it.
Sources: https://github.com/oracle/oci-cli/blob/master/services/container_engine/src/oci_cli_container_engine/containerengine_cli_extended.py
(generate_token), https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import base64
import json
from datetime import datetime, timedelta
from urllib.parse import urlencode

from oke.credentials import Credentials
from oke.signature import signed_headers

# lightkube knows no newer one; kubectl takes what the kubeconfig names.
API_VERSION = "client.authentication.k8s.io/v1beta1"
# OCI rejects the date of the request after five.
_LIFE = timedelta(minutes=4)


def exec_credential(credentials: Credentials, cluster: str, now: datetime) -> str:
    """Return the ExecCredential as JSON. cluster: its OCID; now: in UTC."""
    expiry = (now + _LIFE).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"token": _token(credentials, cluster, now), "expirationTimestamp": expiry}
    return json.dumps({"apiVersion": API_VERSION, "kind": "ExecCredential", "status": status})


def _token(credentials: Credentials, cluster: str, now: datetime) -> str:
    url = f"https://containerengine.{credentials.region}.oraclecloud.com/cluster_request/{cluster}"
    headers = signed_headers(credentials, "GET", url, now)
    query = urlencode({name: headers[name] for name in ("authorization", "date")})
    return base64.urlsafe_b64encode(f"{url}?{query}".encode()).decode()
