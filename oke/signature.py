"""The signature of HTTP requests to Oracle Cloud Infrastructure.

Source: https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm (version 1)
"""

import base64
import hashlib
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from oke.credentials import Credentials


def signed_headers(
    credentials: Credentials, method: str, url: str, date: datetime, body: bytes | None = None
) -> dict[str, str]:
    """Return the headers of a request, in lower case.

    date: in UTC; OCI rejects a request that is five minutes off.
    body: JSON.
    """
    target = urlsplit(url)
    query = f"?{target.query}" if target.query else ""
    signed = {
        "date": format_datetime(date, usegmt=True),
        "(request-target)": f"{method.lower()} {target.path}{query}",
        "host": target.netloc,
    }
    if body:
        signed["content-length"] = str(len(body))
        signed["content-type"] = "application/json"
        signed["x-content-sha256"] = base64.b64encode(hashlib.sha256(body).digest()).decode()
    text = "\n".join(f"{name}: {value}" for name, value in signed.items())
    signature = base64.b64encode(credentials.private_key.sign(text.encode(), PKCS1v15(), SHA256())).decode()
    authorization = (
        f'Signature algorithm="rsa-sha256",headers="{" ".join(signed)}",keyId="{credentials.key_id}",'
        f'signature="{signature}",version="1"'
    )
    sent = {name: value for name, value in signed.items() if name != "(request-target)"}
    return {**sent, "authorization": authorization}
