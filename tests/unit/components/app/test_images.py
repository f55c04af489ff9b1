import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs
from pydantic import SecretStr

from components.app.images import (
    AppImages,
    AppImagesArgs,
    Build,
    Pinned,
    PullCredentials,
    PullSecret,
    PullSecretArgs,
    Registry,
)
from settings.types import IMAGE
from system.git import Revision
from tests.support import example
from tests.support.commands import StandIn
from tests.support.engine import UNKNOWN, Engine, Inputs, Resource, Secret

IMAGE_TYPE = "docker-build:index:Image"
READ_DIGEST = "docker:index/getRegistryImage:getRegistryImage"
DIGESTS = {"todo-frontend": f"sha256:{'f0' * 32}", "todo-backend": f"sha256:{'b0' * 32}"}
SOME_DIGEST = f"sha256:{'5e' * 32}"
CREDENTIALS = PullCredentials("ghcr.io", "reader", SecretStr("canary-token"))

FRONTEND_REVISION = Revision("1a2b3c4" + "0" * 33, time=1_700_000_001)
BACKEND_REVISION = Revision("5e6f7a8" + "0" * 33, time=1_700_000_002)


def build(**changes: Any) -> Build:
    settings: dict[str, Any] = {
        "registry": "ghcr.io/example",
        "platforms": ["linux/arm64"],
        "cache": "off",
        "source": "https://github.com/example/todo",
        "frontend": FRONTEND_REVISION,
        "backend": BACKEND_REVISION,
    }
    return Build(**{**settings, **changes})


def deploy(source: Build | Registry | Pinned, *, preview: bool = False) -> Engine:
    """Deploy: builds push DIGESTS, and the registry has them under every tag, for its login if there is one."""
    engine = Engine()

    def pushed(name: str) -> Inputs:
        return {"digest": UNKNOWN if preview else DIGESTS[name]}

    def read(call: MockCallArgs) -> Inputs:
        login = "::".join(f"{r.urn}::{r.name}-id" for r in engine.resources if r.type == "pulumi:providers:docker")
        assert call.provider == login
        (digest,) = (digest for name, digest in DIGESTS.items() if f"/{name}:" in call.args["name"])
        return {**call.args, "id": digest, "sha256Digest": digest}

    for name in DIGESTS:
        engine.creations[IMAGE_TYPE, name] = lambda name=name: pushed(name)
    engine.answers[READ_DIGEST] = read

    def program() -> None:
        images = AppImages("images", AppImagesArgs(source))
        pulumi.export("frontend", images.frontend)
        pulumi.export("backend", images.backend)

    engine.deploy(program, preview=preview)
    return engine


def images(engine: Engine) -> Mapping[str, Resource]:
    return {resource.name: resource for resource in engine.resources if resource.type == IMAGE_TYPE}


@pytest.mark.parametrize("preview", [False, True])
def test_built_image_is_released_by_its_digest(*, preview: bool) -> None:
    exports = deploy(build(), preview=preview).exports

    if preview:
        assert exports == {"frontend": UNKNOWN, "backend": UNKNOWN}
    else:
        assert exports == {
            "frontend": f"ghcr.io/example/todo-frontend:sha-1a2b3c4@{DIGESTS['todo-frontend']}",
            "backend": f"ghcr.io/example/todo-backend:sha-5e6f7a8@{DIGESTS['todo-backend']}",
        }
        assert all(IMAGE.fullmatch(reference) for reference in exports.values())


def test_each_image_is_built_from_its_folder_and_tagged_by_its_commit() -> None:
    built = images(deploy(build(platforms=["linux/arm64", "linux/amd64"])))

    assert {name: image.inputs["context"]["location"] for name, image in built.items()} == {
        "todo-frontend": "frontend",
        "todo-backend": "backend",
    }
    assert built["todo-backend"].inputs["tags"] == [
        "ghcr.io/example/todo-backend:sha-5e6f7a8",
        "ghcr.io/example/todo-backend:latest",
    ]
    assert {tuple(image.inputs["platforms"]) for image in built.values()} == {("linux/arm64", "linux/amd64")}
    assert {image.parent for image in built.values()} == {"images"}


def test_the_two_images_do_not_wait_for_each_other() -> None:
    engine = deploy(build())

    assert {first.type for image in images(engine).values() for first in engine.finishes_first(image)} == {
        "todo:app:AppImages"
    }


def test_the_dockerfiles_get_their_arguments() -> None:
    for name, image in images(deploy(build())).items():
        dockerfile = (example.PROJECT_FOLDER / name.removeprefix("todo-") / "Dockerfile").read_text()
        declared = {
            line.removeprefix("ARG ") for line in dockerfile.splitlines() if line.startswith("ARG ") and "=" not in line
        }
        arguments = image.inputs["buildArgs"]
        assert declared <= arguments.keys()
        assert {key for key in arguments if not key.startswith("BUILDKIT_")} == {*declared, "SOURCE_DATE_EPOCH"}


def test_image_names_its_commit_and_has_attestations() -> None:
    arguments = images(deploy(build()))["todo-backend"].inputs["buildArgs"]

    assert arguments["SOURCE"] == "https://github.com/example/todo"
    assert arguments["REVISION"] == BACKEND_REVISION.commit
    assert arguments["VERSION"] == "sha-5e6f7a8"
    assert arguments["SOURCE_DATE_EPOCH"] == "1700000002"
    assert arguments["BUILDKIT_ATTEST_PROVENANCE"] == "mode=max"
    assert "buildkit-syft-scanner" in arguments["BUILDKIT_ATTEST_SBOM"]


def test_each_build_of_a_commit_makes_the_same_layers() -> None:
    for image in images(deploy(build())).values():
        (export,) = image.inputs["exports"]
        assert {"type=registry", "oci-mediatypes=true", "rewrite-timestamp=true"} <= set(export["raw"].split(","))
        assert image.inputs["push"] is False  # else a second export, whose layers have other times


@pytest.mark.parametrize("source", ["https://github.com/example/todo", None])
def test_an_image_names_the_repository_that_may_push_it(source: str | None) -> None:
    for image in images(deploy(replace(build(), source=source))).values():
        annotations = {part for part in image.inputs["exports"][0]["raw"].split(",") if part.startswith("annotation")}
        name = "org.opencontainers.image.source"
        assert annotations == (
            {f"annotation-index.{name}={source}", f"annotation.{name}={source}"} if source else set()
        )


def test_a_failed_build_logs_the_output_of_its_last_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = StandIn("docker", tmp_path, monkeypatch)
    docker.does("printf '%s\\n' '' ------ ' > [2/2] RUN npm ci:' >&2; exit 1")
    engine = Engine()

    def fail() -> Inputs:
        raise RuntimeError("failed to solve: process did not complete successfully: exit code: 1")

    engine.creations[IMAGE_TYPE, "todo-frontend"] = fail
    with pytest.raises(Exception, match="failed to solve"):
        engine.deploy(lambda: AppImages("images", AppImagesArgs(build(platforms=["linux/amd64", "linux/arm64"]))))

    (arguments,) = docker.calls
    assert arguments[-1] == "frontend"
    assert "--platform=linux/amd64,linux/arm64" in arguments
    assert f"REVISION={FRONTEND_REVISION.commit}" in arguments
    assert "> [2/2] RUN npm ci:" in [entry.message for entry in engine.log]


def test_registry_caches_layers_beside_the_image() -> None:
    image = images(deploy(build(cache="registry")))["todo-backend"]

    ref = "ghcr.io/example/todo-backend:buildcache"
    assert image.inputs["cacheFrom"] == [{"registry": {"ref": ref}}]
    (written,) = image.inputs["cacheTo"]
    assert {"ref": ref, "mode": "max", "ignoreError": True}.items() <= written["registry"].items()


def test_the_actions_cache_has_a_scope_for_each_image() -> None:
    built = images(deploy(build(cache="gha")))

    for name, image in built.items():
        assert image.inputs["cacheFrom"] == [{"gha": {"scope": name}}]
        assert image.inputs["cacheTo"] == [{"gha": {"scope": name, "mode": "max", "ignoreError": True}}]


def test_image_is_kept_for_a_rollback_and_its_state_has_no_login() -> None:
    for image in images(deploy(build())).values():
        assert image.retain_on_delete
        assert "registries" not in image.inputs
        assert image.inputs["buildOnPreview"] is False
        assert not image.inputs.get("cacheFrom")
        assert not image.inputs.get("cacheTo")


@pytest.mark.parametrize(
    ("source", "digests"),
    [
        (Registry("ghcr.io/example/todo-frontend:v1", "localhost:5000/example/todo-backend:v2", None), True),
        (Registry(f"ghcr.io/todo-frontend:v1@{SOME_DIGEST}", f"ghcr.io/todo-backend@{SOME_DIGEST}", None), False),
        (Pinned("ghcr.io/example/todo-frontend:v1", "ghcr.io/example/todo-backend:v1"), False),
    ],
    ids=["tags", "digests", "pinned"],
)
def test_only_tags_in_a_registry_are_resolved_to_digests(source: Registry | Pinned, *, digests: bool) -> None:
    engine = deploy(source)

    references = {"frontend": source.frontend, "backend": source.backend}
    assert engine.exports == {
        name: f"{reference}@{DIGESTS[f'todo-{name}']}" if digests else reference
        for name, reference in references.items()
    }
    assert [resource.type for resource in engine.resources] == ["todo:app:AppImages"]


def test_a_private_registry_is_read_with_the_pull_credentials() -> None:
    engine = deploy(Registry("ghcr.io/example/todo-frontend:v1", "ghcr.io/example/todo-backend:v1", CREDENTIALS))

    login = engine.find("pulumi:providers:docker").inputs["registryAuth"]
    assert isinstance(login, Secret)
    assert json.loads(login.value) == [{"address": "ghcr.io", "username": "reader", "password": "canary-token"}]
    assert example.CANARY not in f"{engine.resources} {engine.outputs} {engine.log} {engine.debug_log}"


@pytest.mark.parametrize("protect", [True, False])
def test_nodes_pull_with_the_login_of_the_settings(*, protect: bool) -> None:
    engine = Engine()

    def program() -> None:
        secret = PullSecret("registry-pull", PullSecretArgs("todo", protect, CREDENTIALS))
        pulumi.export("name", secret.name)

    engine.deploy(program)

    secret = engine.find("kubernetes:core/v1:Secret")
    assert secret.inputs["metadata"] == {"name": "registry-pull", "namespace": "todo"}
    assert secret.inputs["type"] == "kubernetes.io/dockerconfigjson"
    content = secret.inputs["stringData"]
    assert isinstance(content, Secret)
    assert json.loads(content.value[".dockerconfigjson"]) == {
        "auths": {"ghcr.io": {"username": "reader", "password": "canary-token"}}
    }
    assert secret.protect == protect
    assert engine.exports == {"name": "registry-pull"}
    assert example.CANARY not in f"{engine.resources} {engine.outputs} {engine.log} {engine.debug_log}"
