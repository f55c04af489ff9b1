"""Signed requests to the APIs of Oracle Cloud Infrastructure."""

from datetime import datetime
from http import HTTPStatus

import httpx2

from oke.credentials import Credentials
from oke.signature import signed_headers
from system.errors import UserError


def send(
    credentials: Credentials, url: str, body: bytes | None = None, *, now: datetime, seconds: float
) -> httpx2.Response:
    """Return the response to a GET, or to a POST with a body of JSON, whatever its status but 401.

    now: in UTC. seconds: the timeout.

    Raises UserError where OCI is unreachable or rejects the credentials.
    """
    method = "GET" if body is None else "POST"
    headers = signed_headers(credentials, method, url, now, body)
    try:
        response = httpx2.request(method, url, content=body, headers=headers, timeout=seconds)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise UserError(f"OCI is unreachable at {url}: {error}.", f"curl -i '{url}'") from None
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise UserError(
            "OCI rejected the credentials (401): the fingerprint is not one of the user's API keys, or this machine's "
            "clock is five minutes off.",
            "date -u",
        )
    return response
