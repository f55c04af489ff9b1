from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.stuck_stack import BASE, RELEASE, RELEASED, STACK, StuckStack

SECRET = {
    "urn": "urn:pulumi:oke::todo-oke::kubernetes:core/v1:Secret::app-secrets",
    "type": "kubernetes:core/v1:Secret",
    "inputs": {"metadata": {"name": "app-secrets"}},
}
GITHUB_SECRET = {
    "urn": "urn:pulumi:oke::todo-oke::github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret::kubeconfig",
    "type": "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret",
}
AUTONAMED = {**SECRET, "inputs": {"metadata": {"annotations": {"pulumi.com/autonamed": "true"}}}}
POOL = {
    "urn": "urn:pulumi:oke::todo-oke::oci:ContainerEngine/nodePool:NodePool::workers",
    "type": "oci:ContainerEngine/nodePool:NodePool",
    "parent": "urn:pulumi:oke::todo-oke::todo:cluster:OkeCluster::cluster",
    "provider": "urn:pulumi:oke::todo-oke::pulumi:providers:oci::region::5e",
}
DROP = (
    f"pulumi refresh --yes --skip-preview --stack oke --clear-pending-creates --target {STACK} "
    "--color never --non-interactive"
)


def test_only_the_interrupted_resources_are_refreshed(stack: StuckStack) -> None:
    stack.has_state([*BASE, RELEASED, SECRET], ("updating", RELEASED), ("deleting", SECRET))
    stack.has_state([*BASE, RELEASED], by="refresh")

    printed = stack.recover()

    assert "updating kubernetes:helm.sh/v3:Release::todo-app was interrupted" in printed
    assert "deleting kubernetes:core/v1:Secret::app-secrets was interrupted" in printed
    assert stack.changes == [
        f"pulumi refresh --yes --skip-preview --stack oke --target {RELEASE} --target {SECRET['urn']} "
        "--color never --non-interactive"
    ]


@pytest.mark.parametrize("resource", [SECRET, GITHUB_SECRET])
def test_pending_creation_that_can_be_repeated_is_dropped(stack: StuckStack, resource: Mapping[str, Any]) -> None:
    stack.has_state([*BASE], ("creating", resource))
    stack.has_state([*BASE], by="refresh")

    stack.recover()

    assert stack.changes == [DROP]


@pytest.mark.parametrize("resource", [POOL, AUTONAMED])
def test_possible_duplicate_needs_a_person(stack: StuckStack, resource: Mapping[str, Any]) -> None:
    stack.has_state([*BASE], ("creating", resource))
    stack.has_state([*BASE], by="refresh")

    printed = stack.recover(code=1)

    assert f"pulumi import {resource['type']} {resource['urn'].rpartition('::')[2]} ID --parent parent=" in printed
    assert stack.changes == []
    stack.recover(answers="y\n")
    assert stack.changes == [DROP]
