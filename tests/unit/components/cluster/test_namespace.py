import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.cluster.namespace import OWNER_LABEL, Namespace, NamespaceArgs
from tests.support.engine import Engine


def deploy(engine: Engine, *, owner: str | None, protect: bool = False) -> None:
    def program() -> None:
        namespace = Namespace("todo", NamespaceArgs("todo", owner=owner, protect=protect))
        pulumi.export("name", namespace.name)

    engine.deploy(program)


@pytest.mark.parametrize("protect", [True, False])
def test_own_namespace_has_the_label_of_its_stack_and_the_protection(engine: Engine, *, protect: bool) -> None:
    deploy(engine, owner="oke", protect=protect)

    namespace = engine.find("kubernetes:core/v1:Namespace")
    assert (namespace.parent, namespace.protect) == ("todo", protect)
    assert namespace.inputs["metadata"] == {"name": "todo", "labels": {OWNER_LABEL: "oke"}}
    assert engine.exports == {"name": "todo"}


def test_a_foreign_namespace_is_not_declared(engine: Engine) -> None:
    deploy(engine, owner=None)

    assert [resource.type for resource in engine.resources] == ["todo:cluster:Namespace"]
    assert engine.exports == {"name": "todo"}


def test_users_of_the_name_wait_for_the_namespace(engine: Engine) -> None:
    def program() -> None:
        namespace = Namespace("todo", NamespaceArgs("todo", owner="oke", protect=False))
        kubernetes.core.v1.ConfigMap("user", metadata={"namespace": namespace.name})

    engine.deploy(program)

    user = engine.find("kubernetes:core/v1:ConfigMap")
    assert engine.find("kubernetes:core/v1:Namespace") in engine.finishes_first(user)
