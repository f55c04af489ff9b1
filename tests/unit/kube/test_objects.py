from typing import Any, cast

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod, Service

from kube import objects


def pod(**content: Any) -> Pod:
    return cast("Pod", Pod.from_dict(content))


def service(*points: dict[str, str]) -> Service:
    return cast("Service", Service.from_dict({"status": {"loadBalancer": {"ingress": list(points)}}}))


@pytest.mark.parametrize("item", [Pod(), Pod(metadata=ObjectMeta())], ids=["no metadata", "empty metadata"])
def test_parts_that_an_object_lacks_are_absent(item: Pod) -> None:
    assert [part(item) for part in (objects.name, objects.namespace, objects.uid, objects.owner_uid)] == [None] * 4
    assert not any(part(item) for part in (objects.labels, objects.annotations, objects.finalizers))
    assert not any(part(item) for part in (objects.containers, objects.container_statuses))
    assert not any(part(item) for part in (objects.init_container_statuses, objects.is_terminating, objects.has_ended))
    assert objects.condition(item, "Ready", "True") is None


def test_owner_is_the_controller() -> None:
    owners = [{"apiVersion": "v1", "kind": "X", "name": uid, "uid": uid, "controller": uid == "b"} for uid in "abc"]

    assert objects.owner_uid(pod(metadata={"ownerReferences": owners})) == "b"


def test_init_containers_come_first() -> None:
    spec = {"initContainers": [{"name": "migrate"}], "containers": [{"name": "backend"}]}

    assert [each.name for each in objects.containers(pod(spec=spec))] == ["migrate", "backend"]


@pytest.mark.parametrize(
    ("item", "address"),
    [
        (Service(), None),
        (service(), None),
        (service({"ip": "192.0.2.1"}, {"ip": "192.0.2.2"}), "192.0.2.1"),
        (service({"ip": "192.0.2.1", "hostname": "lb.example.com"}), "lb.example.com"),
    ],
)
def test_load_balancer_has_its_first_address(item: Service, address: str | None) -> None:
    assert objects.load_balancer_address(item) == address
