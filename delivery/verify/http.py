"""Whether the app answers through its ingress."""

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


def answer_of(path: str) -> str:
    """The name of the check."""
    return f"GET {path}"


def unheard(path: str) -> Check:
    """Of simulated pods, which answer nothing."""
    return Check(answer_of(path), "not applicable", SIMULATED)


def browser() -> httpx2.Client:
    """Who asks."""
    return httpx2.Client(timeout=_SECONDS)


def answer(browser: httpx2.Client, url: str, path: str, address: str) -> Check:
    """Whether the app itself answers a path, and not somebody to whom the request was sent on.

    url: where the ingress answers; empty while it has no address. address: where DNS is to lead its host, if known.
    """
    name = answer_of(path)
    if not url:
        return Check(name, "failed", "the ingress has no address yet")
    try:
        problem, response = _ask(browser, url, path)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Check(name, "failed", _trouble(url, path, address, error))
    if response.is_success and path == _HEALTH:
        problem = problem or _sickness(response)
    told = f"{response.status_code} from {url}{path}"
    if problem:
        return Check(name, "failed", f"{told}, {problem}")
    return Check(name, "passed" if response.is_success else "failed", told)


def _ask(browser: httpx2.Client, url: str, path: str) -> tuple[str, httpx2.Response]:
    """The answer at the end of all redirects on the same host, and what is wrong with where it leads."""
    host = httpx2.URL(url).host
    response = browser.get(f"{url}{path}")
    for _ in range(_REDIRECTS):
        onward = response.next_request
        if onward is None:
            return "", response
        if onward.url.host != host:
            return f"which leads elsewhere, to {onward.url.host}", response
        response = browser.send(onward)
    return "one redirect after another", response


def _sickness(response: httpx2.Response) -> str:
    """What is wrong with the health's content: it is a JSON object, and its `status`, where it has one, is `ok`.

    So that neither a page of the frontend nor of somebody's proxy counts as the backend's health.
    """
    try:
        told: object = response.json()
    except ValueError:
        kind = response.headers.get("Content-Type", "").partition(";")[0] or "no type"
        return f"which is no JSON but {kind}: it is not the backend that answers"
    if not isinstance(told, dict):
        return "which is no JSON object: it is not the backend that answers"
    return "" if told.get("status", "ok") == "ok" else "whose status is not ok"


def _trouble(url: str, path: str, address: str, error: Exception) -> str:
    host = httpx2.URL(url).host
    if address and _cause(error, socket.gaierror):
        return f"DNS does not know {host}: make a record of it that leads to {address}"
    refused = _cause(error, ssl.SSLCertVerificationError)
    if refused is None:
        return f"{url}{path} does not answer: {error}"
    return (
        f"the certificate of {host} is not valid yet ({refused.verify_message}); "
        "`kubectl describe issuer,certificate` tells what it waits for"
    )


def _cause(error: BaseException | None, kind: type[E]) -> E | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error
