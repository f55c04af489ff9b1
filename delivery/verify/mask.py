"""Keeps the app's secrets out of what a verification tells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from lightkube import ApiError, Client
from lightkube.resources.core_v1 import Secret

from delivery.report import Check
from kube.redaction import hidden_values, masked
from settings.names import POD_SECRETS

_WITHHELD = "not shown: the app's secrets cannot be read, so it is not known what they would be in it"


@dataclass(frozen=True)
class Mask:
    """values: what is a secret, the longest first; None where nobody may know, and then no cause is told at all."""

    values: Sequence[str] | None

    def check(self, check: Check) -> Check:
        """The check without a secret in its causes."""
        if self.values is None:
            return replace(check, causes=[_WITHHELD] if check.causes else [])
        return replace(check, causes=[masked(cause, self.values) for cause in check.causes])


def read(client: Client, namespace: str) -> Mask:
    """What to hide of the pods of a namespace. Raises ApiError and httpx2.HTTPError where the cluster does not say."""
    try:
        return Mask(hidden_values(_secrets(client, namespace)))
    except ApiError as error:
        if error.response.status_code == HTTPStatus.FORBIDDEN:
            return Mask(None)
        raise


def _secrets(client: Client, namespace: str) -> Iterator[Secret]:
    for name in POD_SECRETS:
        try:
            yield client.get(Secret, name, namespace=namespace)
        except ApiError as error:
            if error.response.status_code != HTTPStatus.NOT_FOUND:
                raise
