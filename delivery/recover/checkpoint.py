"""What a stack's state says of its resources, and of the operations that were begun and not ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delivery.engine import stack

HELM_RELEASE = "kubernetes:helm.sh/v3:Release"


@dataclass(frozen=True)
class Resource:
    """type: such as kubernetes:helm.sh/v3:Release; parent, provider: URNs, empty where there is none."""

    urn: str
    type: str
    parent: str
    provider: str
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
    """kind: creating, updating, deleting, reading or importing."""

    kind: str
    resource: Resource


@dataclass(frozen=True)
class Checkpoint:
    """The resources of a state and the operations that it takes for running."""

    resources: Sequence[Resource]
    operations: Sequence[Operation]

    @property
    def urns(self) -> set[str]:
        return {resource.urn for resource in self.resources}


def read(name: str) -> Checkpoint:
    """The state of a stack, with its secrets as they are encrypted there. Raises UserError.

    Source: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/apitype/core.go (DeploymentV3)
    """
    deployment = stack.export(name)
    return Checkpoint(
        [resource(state) for state in deployment.get("resources", [])],
        [Operation(one["type"], resource(one["resource"])) for one in deployment.get("pending_operations", [])],
    )


def resource(state: Mapping[str, Any]) -> Resource:
    """A resource, as the engine writes it in a state and in the steps of a preview."""
    provider = stack.provider_of(state)
    return Resource(state["urn"], state["type"], state.get("parent", ""), provider, state.get("inputs", {}))
