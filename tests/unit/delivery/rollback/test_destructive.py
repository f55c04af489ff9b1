import pytest

from delivery.rollback import destructive
from system.errors import UserError
from tests.support.pulumi_command import step


@pytest.mark.parametrize("kind", ["docker-build:index:Image", "pulumi:providers:docker"])
def test_image_may_leave_the_state(kind: str) -> None:
    assert destructive.changes([step("delete", kind, "it")], "app") == [f"delete {kind}::it"]
    with pytest.raises(UserError):
        destructive.changes([step("delete", kind, "it", protect=True)], "app")


@pytest.mark.parametrize(
    ("kind", "custom"),
    [
        ("kubernetes:dapr.io/v1alpha1:Component", True),
        ("kubernetes:cert-manager.io/v1:Issuer", True),
        ("github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable", True),
        ("todo:platform:CertManager", False),
    ],
)
def test_configuration_may_go_in_full_only(kind: str, custom: object) -> None:
    steps = [step("delete", kind, "it", custom=custom)]
    assert destructive.changes(steps, "full") == [f"delete {kind}::it"]
    with pytest.raises(UserError):
        destructive.changes(steps, "app")
    with pytest.raises(UserError):
        destructive.changes([step("delete", kind, "it", custom=custom, protect=True)], "full")


@pytest.mark.parametrize(
    "kind",
    [
        "kubernetes:core/v1:Namespace",
        "kubernetes:core/v1:Service",
        "kubernetes:core/v1:PersistentVolumeClaim",
        "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
        "kubernetes:helm.sh/v3:Release",
        "oci:ContainerEngine/nodePool:NodePool",
        "oci:Core/vcn:Vcn",
        "pulumi:providers:kubernetes",
    ],
)
@pytest.mark.parametrize("operation", ["delete", "replace", "create-replacement", "delete-replaced", "discard"])
def test_data_and_addresses_are_kept(kind: str, operation: str) -> None:
    harmless = step("update", "kubernetes:helm.sh/v3:Release", "todo-app")
    with pytest.raises(UserError) as error:
        destructive.changes([harmless, step(operation, kind, "it", custom=True)], "full")
    assert error.value.message.endswith(f": {operation} {kind}::it")
