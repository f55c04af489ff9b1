"""The destructive changes of a rollback's preview, and the few that a rollback may make."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from delivery.engine import stack
from system.errors import UserError

_HARMLESS = {"same", "read", "refresh", "create", "update", "import"}  # every other operation ends a resource

# An image stays in the registry when its resource goes, and a secret on GitHub is overwritten.
_OF_AN_APP = (
    "docker-build:index:Image",
    "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret",
    "pulumi:providers:(docker|docker-build|github)",
)
# What a later update creates again as it was: the sidecars' configuration, permissions, settings on GitHub. Never what
# has data or an address: namespaces, secrets, volume claims, Services, Helm releases, CRDs (which take their objects
# along), the cluster with its nodes and network, nor its provider, whose replacement replaces all that it made.
_OF_A_PROGRAM = (
    r"kubernetes:dapr\.io/.+",
    r"kubernetes:rbac\.authorization\.k8s\.io/v1:(Role|RoleBinding)",
    r"kubernetes:cert-manager\.io/v1:Issuer",
    "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable",
    "github:index/repositoryRuleset:RepositoryRuleset",
)
_EXPENDABLE: Mapping[str, re.Pattern[str]] = {
    "app": re.compile("|".join(_OF_AN_APP)),
    "full": re.compile("|".join((*_OF_AN_APP, *_OF_A_PROGRAM))),
}


def changes(steps: Sequence[Mapping[str, Any]], scope: Literal["app", "full"]) -> Sequence[str]:
    """Return the changes of a preview, a line for each resource, without any value.

    Raises UserError where one is too destructive for a rollback of this scope.
    """
    if refused := [_line(step) for step in steps if step["op"] not in _HARMLESS and not _is_expendable(step, scope)]:
        raise UserError(
            "The rollback has destructive changes, and nothing was changed; where today's settings cause them, run "
            f"`pulumi up` first: {', '.join(refused)}"
        )
    return [_line(step) for step in steps if step["op"] not in ("same", "read", "refresh")]


def _line(step: Mapping[str, Any]) -> str:
    return f"{step['op']} {stack.resource_of(step['urn'])}"


def _is_expendable(step: Mapping[str, Any], scope: Literal["app", "full"]) -> bool:
    state = step.get("oldState") or step["newState"]
    is_component = scope == "full" and state.get("custom") is False  # its children have steps of their own
    return (is_component or bool(_EXPENDABLE[scope].fullmatch(state["type"]))) and not state.get("protect")
