"""Checks that the app responds through its ingress."""

import socket
import ssl
from typing import TypeVar

import httpx2

from delivery.report import Check
from delivery.verify.snapshot import SIMULATED

E = TypeVar("E", bound=BaseException)

PATHS = ("/", "/api/health")

_SECONDS = 10.0
_REDIRECTS = 5
_HEALTH = "/api/health"


def check_name(path: str) -> str:
    return f"GET {path}"


def not_applicable(path: str) -> Check:
    """Return the check of simulated pods, which respond to nothing."""
    return Check(check_name(path), "not applicable", SIMULATED)


def new_client() -> httpx2.Client:
    return httpx2.Client(timeout=_SECONDS)


def check(
    client: httpx2.Client,
    url: str | None,  # None while the ingress has no address
    path: str,
    address: str | None,  # for the DNS record of the URL's host
) -> Check:
    """Check that the app itself responds to a path, and no other host after a redirect."""
    name = check_name(path)
    if url is None:
        return Check(name, "failed", "the ingress has no address yet")
    try:
        problem, response = _get(client, url, path)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Check(name, "failed", _reason(url, path, address, error))
    if response.is_success and path == _HEALTH:
        problem = problem or _health_problem(response)
    evidence = f"{response.status_code} from {url}{path}"
    if problem:
        return Check(name, "failed", f"{evidence}: {problem}")
    return Check(name, "passed" if response.is_success else "failed", evidence)


def _get(client: httpx2.Client, url: str, path: str) -> tuple[str | None, httpx2.Response]:
    """Return the response after all redirects on the same host, and the problem with the last one."""
    host = httpx2.URL(url).host
    response = client.get(f"{url}{path}")
    for _ in range(_REDIRECTS):
        following = response.next_request
        if following is None:
            return None, response
        if following.url.host != host:
            return f"a redirect to another host, {following.url.host}", response
        response = client.send(following)
    return f"more than {_REDIRECTS} redirects", response


def _health_problem(response: httpx2.Response) -> str | None:
    """Require a JSON object whose `status`, if it has one, is `ok`: no page of the frontend or of a proxy."""
    try:
        health: object = response.json()
    except ValueError:
        kind = response.headers.get("Content-Type", "").partition(";")[0] or "without a type"
        return f"the body is not JSON ({kind}), so it is not from the backend"
    if not isinstance(health, dict):
        return "the body is not a JSON object, so it is not from the backend"
    return None if health.get("status", "ok") == "ok" else "its status is not ok"


def _reason(url: str, path: str, address: str | None, error: Exception) -> str:
    host = httpx2.URL(url).host
    if address and _find_cause(error, socket.gaierror):
        return f"DNS has no record of {host}: create one that points to {address}"
    refused = _find_cause(error, ssl.SSLCertVerificationError)
    if refused is None:
        return f"no response from {url}{path}: {error}"
    return (
        f"the certificate of {host} is not valid yet ({refused.verify_message})\n"
        "hint: kubectl describe issuer,certificate"
    )


def _find_cause(error: BaseException | None, kind: type[E]) -> E | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error
