from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.transforms import force_field_ownership
from tests.support.engine import Engine

FORCE = {"pulumi.com/patchForce": "true"}


class Group(pulumi.ComponentResource):
    """A component whose children are declared as those of a stack are."""

    def __init__(self) -> None:
        super().__init__(
            "test:index:Group", "group", opts=pulumi.ResourceOptions(transformations=[force_field_ownership])
        )
        self.child = pulumi.ResourceOptions(parent=self)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (None, {"annotations": FORCE}),
        ({"name": "todo"}, {"name": "todo", "annotations": FORCE}),
        ({"annotations": {"a": "b"}}, {"annotations": {"a": "b", **FORCE}}),
    ],
)
def test_an_object_owns_its_fields(engine: Engine, metadata: Any, expected: Any) -> None:
    engine.deploy(
        lambda: kubernetes.core.v1.ConfigMap("todo", metadata=metadata, data={"key": "value"}, opts=Group().child)
    )

    inputs = engine.find("kubernetes:core/v1:ConfigMap").inputs
    assert inputs == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": expected, "data": {"key": "value"}}


def test_the_secrets_of_an_object_stay_secret(engine: Engine) -> None:
    engine.deploy(lambda: kubernetes.core.v1.Secret("todo", string_data={"key": "canary"}, opts=Group().child))

    secret = engine.find("kubernetes:core/v1:Secret")
    assert secret.inputs["metadata"]["annotations"] == FORCE
    assert "canary" not in repr(secret)


@pytest.mark.parametrize(
    "type_",
    ["pulumi:providers:kubernetes", "kubernetes:helm.sh/v3:Release", "oci:Identity/policy:Policy"],
)
def test_other_resources_are_unchanged(engine: Engine, type_: str) -> None:
    engine.deploy(lambda: pulumi.CustomResource(type_, "todo", {"metadata": {}}, Group().child))

    assert engine.find(type_).inputs == {"metadata": {}}
