"""A stack's state: its resources, and the operations that started and did not end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delivery.engine import stack
from system.errors import UserError

HELM_RELEASE = "kubernetes:helm.sh/v3:Release"
_THROW_AWAY = "local"  # the stack of `make up`


@dataclass(frozen=True)
class Resource:
    """A resource as the state has it."""

    urn: str
    type: str  # like kubernetes:helm.sh/v3:Release
    parent: str | None  # a URN
    provider: str | None  # a URN
    inputs: Mapping[str, Any]

    @property
    def is_release(self) -> bool:
        return self.type == HELM_RELEASE

    @property
    def label(self) -> str:
        """The type and name."""
        return stack.resource_of(self.urn)


@dataclass(frozen=True)
class Operation:
    """An operation that the state lists as pending."""

    kind: str  # creating, updating, deleting, reading or importing
    resource: Resource


@dataclass(frozen=True)
class Checkpoint:
    """A state."""

    resources: Sequence[Resource]
    operations: Sequence[Operation]

    @property
    def urns(self) -> set[str]:
        return {resource.urn for resource in self.resources}


def read(name: str) -> Checkpoint:
    """Return the state of a stack, with its secrets encrypted. Raises UserError.

    Source: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/apitype/core.go (DeploymentV3)
    """
    try:
        deployment = stack.export(name)
    except UserError as error:
        # The other stacks are not to be thrown away: their backends keep the last good version.
        hint = "make down" if name.rpartition("/")[2] == _THROW_AWAY else error.hint
        raise UserError(f"The state of stack {name} cannot be read: {error.message}", hint) from None
    return Checkpoint(
        [resource(state) for state in deployment.get("resources", [])],
        [Operation(one["type"], resource(one["resource"])) for one in deployment.get("pending_operations", [])],
    )


def resource(state: Mapping[str, Any]) -> Resource:
    """Return a resource of a state, or of a preview's step."""
    return Resource(state["urn"], state["type"], state.get("parent"), stack.provider_of(state), state.get("inputs", {}))
