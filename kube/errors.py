"""Errors of a Kubernetes API server and of the way to it, as errors that a user can fix."""

from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus

import httpx2
from lightkube import ApiError
from lightkube.core.exceptions import ConfigError

from kube.kubeconfig import Kubeconfig
from system.errors import UserError


class ClusterError(UserError):
    """A cluster that is unreachable, or that rejects the request or its credentials."""


@contextmanager
def translate_errors(kubeconfig: Kubeconfig, if_forbidden: str | None = None) -> Generator[None]:
    """Raise whatever goes wrong between here and the API server as a ClusterError.

    if_forbidden: a clause with the remedy for an identity that lacks a permission.
    """
    context, server = f"context {kubeconfig.context!r}", kubeconfig.server
    readiness = f"{kubeconfig.kubectl} get --raw /readyz"
    try:
        yield
    except ApiError as error:
        failure, command = _rejection(error)
        is_forbidden = error.response.status_code == HTTPStatus.FORBIDDEN
        remedy = f"; {if_forbidden}" if if_forbidden and is_forbidden else ""
        raise ClusterError(
            f"{failure} of {context} at {server}: {error}{remedy}", f"{kubeconfig.kubectl} {command}"
        ) from None
    except (httpx2.NetworkError, httpx2.TimeoutException) as error:
        raise ClusterError(f"Cannot reach the API server of {context} at {server}: {error}", readiness) from None
    except ConfigError as error:
        reason = str(error).strip()
        raise ClusterError(f"Cannot load the credentials of {context} for {server}: {reason}", readiness) from None
    except Exception as error:  # noqa: BLE001 (a broken certificate, a plug-in's odd answer, a web page: no common base)
        # Its own message may hold a credential.
        raise ClusterError(
            f"Cannot use the certificate or the credentials of {context}, or {server} is not a Kubernetes API server: "
            f"{type(error).__name__}",
            readiness,
        ) from None


def _rejection(error: ApiError) -> tuple[str, str]:
    """Return what the API server did, and the kubectl command that shows more of it."""
    status = error.response.status_code
    if "webhook" in str(error):  # it says 403, 500 or whatever its author chose
        webhooks = "validatingwebhookconfigurations,mutatingwebhookconfigurations"
        return f"An admission webhook blocked the request ({status})", f"get {webhooks}"
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return "The API server rejected the credentials (401)", "auth whoami"
        case HTTPStatus.TOO_MANY_REQUESTS:
            return "The API server is rate limiting requests (429)", "get --raw /readyz"
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return f"The API server failed the request ({status})", "get --raw /readyz"
        case _:
            return f"The API server rejected the request ({status})", "auth can-i --list"
