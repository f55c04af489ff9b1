"""Operations that an update had begun when it was killed: the engine does not know how they ended.

Source: https://www.pulumi.com/docs/support/troubleshooting/#stack-has-pending-operations
"""

from delivery.engine import stack
from delivery.recover.checkpoint import Checkpoint, Resource
from delivery.recover.finding import Finding

_MADE_AGAIN = (
    *("pulumi:", "todo:", "docker-build:"),
    # Which GitHub makes or overwrites: https://docs.github.com/en/rest/deployments/environments
    *("github:index/repositoryEnvironment:", "github:index/actionsEnvironmentSecret:"),
)


def find(name: str, state: Checkpoint) -> Finding | None:
    """What was pending when the last update of a stack was killed, or None where nothing is.

    The refresh looks at these resources alone. It ends every other pending operation by itself, as any update does, and
    the pending creations only because it is told to: for them the state has no ID with which to look.
    """
    if not state.operations:
        return None
    created = [operation.resource for operation in state.operations if operation.kind == "creating"]
    asked = ["What the state has of these is asked how it is now."] if len(created) < len(state.operations) else []
    refresh = ["pulumi", "refresh", "--yes", "--skip-preview", "--stack", name]
    refresh += ["--clear-pending-creates"] if created else []
    for urn in _targets(state):
        refresh += ["--target", urn]
    return Finding(
        what="\n".join(
            f"{operation.kind} {operation.resource.label} was interrupted." for operation in state.operations
        ),
        cause="The update was killed before it heard how that ended.",
        plan="\n".join([*asked, *map(_consequence, created)]),
        command=refresh,
        mend=lambda: stack.mend(*refresh),
        look=", ".join(f"whether there is a {made.label}" for made in created if not _is_found_again(made)),
    )


def _targets(state: Checkpoint) -> list[str]:
    known = [o.resource.urn for o in state.operations if o.resource.urn in state.urns]
    # Without any target all resources are asked for; the stack itself is one that there is nothing to ask of.
    return [*dict.fromkeys(known)] or [r.urn for r in state.resources if r.type == "pulumi:pulumi:Stack"]


def _consequence(resource: Resource) -> str:
    if resource.is_release:
        return f"{resource.label}: the creation is forgotten; what there is of the release is looked at next."
    if _is_found_again(resource):
        return f"{resource.label}: the creation is forgotten; the next update makes it, or takes over what is there."
    return (
        f"{resource.label}: the creation is forgotten. If it is there all the same, the next update makes a second, "
        "or is refused because there is one: delete it, or take it over with\n"
        f"    pulumi import {resource.type} {resource.urn.rpartition('::')[2]} ID"
        f" --parent parent={resource.parent} --provider provider={resource.provider}"
    )


def _is_found_again(resource: Resource) -> bool:
    """Whether a second creation ends in the same object, by its name, or in none outside of the state."""
    if resource.type.startswith("kubernetes:"):
        metadata = resource.inputs.get("metadata", {})
        # Given by the provider, and another one the next time.
        return "pulumi.com/autonamed" not in metadata.get("annotations", {})
    return resource.type.startswith(_MADE_AGAIN)
