"""Operations that were pending when an update was killed: the engine does not know how they ended.

Source: https://www.pulumi.com/docs/support/troubleshooting/#stack-has-pending-operations
"""

from delivery.engine import stack
from delivery.recover.checkpoint import Checkpoint, Resource
from delivery.recover.finding import Finding

# Types of which a second creation makes no second object.
_IDEMPOTENT = (
    *("pulumi:", "todo:", "docker-build:"),
    # Which GitHub makes or overwrites: https://docs.github.com/en/rest/deployments/environments
    *("github:index/repositoryEnvironment:", "github:index/actionsEnvironmentSecret:"),
)


def find(name: str, state: Checkpoint) -> Finding | None:
    """Return the pending operations of a stack.

    The repair refreshes these resources alone. The refresh ends every pending operation but the creations, as any
    update does. An option makes it drop the creations: the state has no ID with which to look for them.
    """
    if not state.operations:
        return None
    created = [operation.resource for operation in state.operations if operation.kind == "creating"]
    refreshed = ["The resources are refreshed."] if len(created) < len(state.operations) else []
    refresh = ["pulumi", "refresh", "--yes", "--skip-preview", "--stack", name]
    refresh += ["--clear-pending-creates"] if created else []
    for urn in _targets(state):
        refresh += ["--target", urn]
    ambiguous = [resource.label for resource in created if not _is_idempotent(resource)]
    return Finding(
        problem="\n".join(
            f"{operation.kind} {operation.resource.label} was interrupted." for operation in state.operations
        ),
        cause="The update was killed before it knew the result.",
        action="\n".join([*refreshed, *map(_consequence, created)]),
        command=refresh,
        repair=lambda: stack.run(refresh),
        confirm=f"whether these exist: {', '.join(ambiguous)}" if ambiguous else None,
    )


def _targets(state: Checkpoint) -> list[str]:
    known = [o.resource.urn for o in state.operations if o.resource.urn in state.urns]
    # Without a target everything is refreshed; the stack itself is a target with nothing to refresh.
    return [*dict.fromkeys(known)] or [r.urn for r in state.resources if r.type == "pulumi:pulumi:Stack"]


def _consequence(resource: Resource) -> str:
    dropped = f"{resource.label}: the pending creation is dropped"
    if resource.is_release:
        return f"{dropped}; the release itself is examined next."
    if _is_idempotent(resource):
        return f"{dropped}; the next update creates or adopts the object."
    return (
        f"{dropped}. If the object exists, the next update creates a second one, or fails because of the first: delete "
        "it, or import it with\n"
        f"pulumi import {resource.type} {resource.urn.rpartition('::')[2]} ID"
        f" --parent parent={resource.parent} --provider provider={resource.provider}"
    )


def _is_idempotent(resource: Resource) -> bool:
    """Return whether a second creation ends in the same object, by its name, or in none outside of the state."""
    if resource.type.startswith("kubernetes:"):
        metadata = resource.inputs.get("metadata", {})
        # The provider generates another name the next time.
        return "pulumi.com/autonamed" not in metadata.get("annotations", {})
    return resource.type.startswith(_IDEMPOTENT)
