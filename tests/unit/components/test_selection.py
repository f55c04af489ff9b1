from collections.abc import Callable, Mapping

import pulumi
import pytest

from components import selection
from components.app.images import Pinned, Registry
from settings.model import Settings, parse
from tests.support import example
from tests.support.engine import Engine
from tests.support.fake_cluster import FakeCluster

IMAGES = {"frontendImage": "ghcr.io/example/todo-frontend:v1", "backendImage": "registry.example.com/todo-backend:v1"}
LOGIN = {"registryUser": "reader", "registryToken": "canary-token"}


@pytest.fixture
def select(config: Mapping[str, str]) -> Callable[..., Settings]:
    return lambda **changes: parse({**config, **changes}, [*example.SECRETS, "registryToken"], "test")


@pytest.mark.parametrize(("setting", "source"), [("pinned", Pinned), ("registry", Registry)])
def test_the_image_source_is_a_setting(select: Callable[..., Settings], setting: str, source: type) -> None:
    images = selection.image_source(select(imageSource=setting, **IMAGES))

    assert isinstance(images, source)
    assert isinstance(images, Pinned | Registry)
    assert images.backend == IMAGES["backendImage"]


@pytest.mark.parametrize(
    ("changes", "registry"),
    [
        ({}, None),
        ({"imageSource": "registry", **IMAGES, **LOGIN}, "registry.example.com"),
        ({"imageSource": "build", "imageRegistry": "ghcr.io/example", **LOGIN}, "ghcr.io"),
    ],
    ids=["public", "registry", "build"],
)
def test_nodes_log_in_to_a_private_registry(
    select: Callable[..., Settings], engine: Engine, changes: Mapping[str, str], registry: str | None
) -> None:
    settings = select(**changes)
    engine.deploy(lambda: pulumi.export("names", selection.pull_secrets(settings, "todo", pulumi.ResourceOptions())))

    secrets = [r.inputs["stringData"].value for r in engine.resources if r.type == "kubernetes:core/v1:Secret"]
    assert [registry in secret[".dockerconfigjson"] for secret in secrets] == ([True] if registry else [])
    assert len(engine.exports["names"]) == len(secrets)


def test_without_a_controller_the_values_file_decides(select: Callable[..., Settings], engine: Engine) -> None:
    def program() -> None:
        args = selection.ingress(select(ingressController="false"), FakeCluster(), "todo", pulumi.ResourceOptions())
        assert (args.host, args.class_name, args.namespace, args.tls_issuer) == (None, None, None, None)

    engine.deploy(program)

    assert engine.resources == []
