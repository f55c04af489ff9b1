"""What a rollback would end, by its preview, and what of that it may."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from delivery.engine import stack
from system.errors import UserError

# What a step may do to any resource; all other operations end one.
_HARMLESS = {"same", "read", "refresh", "create", "update", "import"}

# What may go with its resource in the state: a built image stays in the registry (components.images), and a secret on
# GitHub is written over (components.github).
_OF_AN_APP = (
    "docker-build:index:Image",
    "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret",
    "pulumi:providers:(docker|docker-build|github)",
)
# What holds nothing and serves nobody by itself, so that a later update makes it again as it was: configuration that
# the sidecars read, permissions, and what GitHub is told. Never what has data or an address: namespaces, secrets,
# volume claims, Services, Helm releases, definitions (which take their objects along), the cluster, its nodes and
# network, nor a provider of one, whose replacement replaces all that it made.
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
    """What a preview would change, a line for each resource, without any value.

    Raises UserError where that ends more than a rollback of this scope may.
    """
    if ended := [step for step in steps if step["op"] not in _HARMLESS and not _may_go(step, scope)]:
        told = "\n".join(f"    {step['op']} {stack.resource_of(step['urn'])}" for step in ended)
        raise UserError(
            f"The preview deletes or replaces what a rollback must not, and nothing was changed:\n{told}\n"
            "    pulumi up   first, where that is what the settings of today ask for"
        )
    return [
        f"{step['op']} {stack.resource_of(step['urn'])}"
        for step in steps
        if step["op"] not in ("same", "read", "refresh")
    ]


def _may_go(step: Mapping[str, Any], scope: Literal["app", "full"]) -> bool:
    state = step.get("oldState") or step["newState"]
    is_group = scope == "full" and state.get("custom") is False  # a component: what it groups has steps of its own
    return (is_group or bool(_EXPENDABLE[scope].fullmatch(state["type"]))) and not state.get("protect")
