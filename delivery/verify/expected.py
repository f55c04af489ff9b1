"""The part of a stack's outputs that a verification proves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from system.errors import UserError


@dataclass(frozen=True)
class Expected:
    namespace: str
    images: Mapping[str, str]  # by app
    components: Sequence[str]  # the names of the Dapr components
    url: str | None  # of the app; None where another ingress controller assigns its host
    address: str | None  # of the load balancer, for the DNS record of the URL's host; None where unknown
    seconds: float  # the timeout


def read(outputs: Mapping[str, Any]) -> Expected:
    """Return what the outputs promise. Raises UserError where the stack was never deployed."""
    try:
        return Expected(
            outputs["namespace"],
            outputs["images"],
            outputs["daprComponents"],
            outputs["url"] or None,
            outputs.get("address") or None,
            outputs["verifyTimeoutSeconds"],
        )
    except KeyError as error:
        raise UserError(f"The stack has no output {error}, so it was never deployed.", "pulumi up") from None
