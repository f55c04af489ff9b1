"""What the API server refuses, and what keeps a request from it, as errors that a user can fix."""

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
def translate_errors(kubeconfig: Kubeconfig) -> Generator[None]:
    """Raise whatever goes wrong between here and the API server as a ClusterError."""
    context, server = kubeconfig.context, kubeconfig.server
    to_see = f"    {kubeconfig.kubectl} get --raw /readyz   shows the same error until it is mended"
    unanswered = f"No cluster answers at {server} (context {context!r})"
    try:
        yield
    except ApiError as error:
        raise ClusterError(_refusal(error, kubeconfig) or f"{unanswered}: {error}\n{to_see}") from None
    except (httpx2.NetworkError, httpx2.TimeoutException) as error:
        raise ClusterError(f"{unanswered}: {error}\n{to_see}") from None
    except ConfigError as error:
        raise ClusterError(f"No credentials for {server} (context {context!r}): {error}\n{to_see}") from None
    except Exception as error:  # noqa: BLE001 (a broken certificate, a plug-in's odd answer, a web page: no common base)
        # Its own message may hold a credential.
        raise ClusterError(
            f"No Kubernetes API server, or no usable credentials, at {server} (context {context!r}): "
            f"{type(error).__name__}\n{to_see}"
        ) from None


def _refusal(error: ApiError, kubeconfig: Kubeconfig) -> str:
    """What an answer of the API server means and how it is mended, or nothing where none of it is a refusal."""
    context, server, kubectl = kubeconfig.context, kubeconfig.server, kubeconfig.kubectl
    if "webhook" in str(error):  # it says 403, 500 or whatever its author chose
        return (
            f"An admission webhook of the cluster at {server} is in the way (context {context!r}): {error}\n"
            f"    {kubectl} get validatingwebhookconfigurations,mutatingwebhookconfigurations   lists them"
        )
    match error.response.status_code:
        case HTTPStatus.UNAUTHORIZED:
            return (
                f"The cluster at {server} does not know who asks (context {context!r}): {error}\n"
                f"    {kubectl} auth whoami   shows the same error until the token or the "
                "certificate is renewed, or this machine's clock is right\n"
                f"    {kubeconfig.other_identity}   for another identity"
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            return (
                f"The cluster at {server} has too much to do (context {context!r}): {error}\n"
                "    pulumi up   in a minute or two"
            )
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ""
        case _:
            return (
                f"The cluster at {server} refuses context {context!r}: {error}\n"
                "    pulumi config set clusterIdentifier NAME   where that identity may not list namespaces, and only "
                "before the first update\n"
                f"    {kubeconfig.other_identity}   for another identity"
            )
