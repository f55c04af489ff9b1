"""What a stack's outputs promise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from system.errors import UserError


@dataclass(frozen=True)
class Wanted:
    """images: by app; components: the names of Dapr's; url: where the app answers, empty where nothing leads to it.
    address: where DNS is to lead the url's host, empty where that is not the stack's to know.

    seconds: how long it may take until all of it is there.
    """

    namespace: str
    images: Mapping[str, str]
    components: Sequence[str]
    url: str
    address: str
    seconds: float


def wanted(outputs: Mapping[str, Any]) -> Wanted:
    """What a stack's outputs promise. Raises UserError where the stack was never brought up."""
    try:
        return Wanted(
            outputs["namespace"],
            outputs["images"],
            outputs["daprComponents"],
            outputs["url"],
            outputs.get("address", ""),
            outputs["verifyTimeoutSeconds"],
        )
    except KeyError as error:
        raise UserError(f"The stack has no output {error}: nothing was deployed.\n    pulumi up") from None
