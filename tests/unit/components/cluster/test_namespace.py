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


def test_a_namespace_of_the_stack_is_declared_and_labelled_as_its_own(engine: Engine) -> None:
    deploy(engine, owner="oke")

    namespace = engine.find("kubernetes:core/v1:Namespace")
    assert namespace.parent == "todo"
    assert namespace.inputs["metadata"] == {"name": "todo", "labels": {OWNER_LABEL: "oke"}}
    assert engine.exports == {"name": "todo"}


def test_a_namespace_of_somebody_else_is_used_and_not_declared(engine: Engine) -> None:
    deploy(engine, owner=None)

    assert [resource.type for resource in engine.resources] == ["todo:cluster:Namespace"]
    assert engine.exports == {"name": "todo"}


@pytest.mark.parametrize("protect", [True, False])
def test_a_namespace_is_protected_where_the_stack_is(engine: Engine, *, protect: bool) -> None:
    deploy(engine, owner="oke", protect=protect)

    assert engine.find("kubernetes:core/v1:Namespace").protect is protect


def test_what_uses_the_name_waits_for_the_namespace(engine: Engine) -> None:
    def program() -> None:
        namespace = Namespace("todo", NamespaceArgs("todo", owner="oke", protect=False))
        kubernetes.core.v1.ConfigMap("user", metadata={"namespace": namespace.name})

    engine.deploy(program)

    user = engine.find("kubernetes:core/v1:ConfigMap")
    assert engine.find("kubernetes:core/v1:Namespace") in engine.finishes_first(user)
