"""What an update would change though nobody asked for a change: a refreshed preview, reduced to names."""

from collections.abc import Sequence

from delivery.engine import stack

# A step of these changes nothing: what a refresh finds different is a step of its own, of the preview that follows it.
_UNCHANGED = {"same", "read", "refresh"}
_REPLACEMENT = {"replace", "create-replacement", "delete-replaced"}


def find(name: str) -> Sequence[str]:
    """What a preview of the stack would do after a refresh, one line for each resource: `update TYPE::NAME`.

    No line has a value of a resource. The engine's own errors reach standard error, with their secrets masked.

    Raises UserError where there is no preview.
    """
    operations: dict[str, str] = {}
    for step in stack.refreshed_preview(name):
        if step["op"] not in _UNCHANGED:
            operations[step["urn"]] = "replace" if step["op"] in _REPLACEMENT else step["op"]
    return sorted(f"{operation} {stack.resource_of(urn)}" for urn, operation in operations.items())
