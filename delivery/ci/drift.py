"""Drift: the changes of a refreshed preview, by resource."""

from collections.abc import Sequence

from delivery.engine import stack

# No change: the difference that a refresh finds is a step of its own in the preview after it.
_UNCHANGED = {"same", "read", "refresh"}
_REPLACEMENT = {"replace", "create-replacement", "delete-replaced"}


def find(name: str) -> Sequence[str]:
    """Return a line `update TYPE::NAME` for each resource that a refreshed preview changes, without any value.

    The engine's errors reach standard error, with secrets masked. Raises UserError where the preview fails.
    """
    operations: dict[str, str] = {}
    for step in stack.refreshed_preview(name):
        if step["op"] not in _UNCHANGED:
            operations[step["urn"]] = "replace" if step["op"] in _REPLACEMENT else step["op"]
    return sorted(f"{operation} {stack.resource_of(urn)}" for urn, operation in operations.items())
