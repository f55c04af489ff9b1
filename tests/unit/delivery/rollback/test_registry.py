"""The registry and the crane that asks it are real."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery.rollback import registry
from tests.support.commands import StandIn
from tests.support.image_registry import ImageRegistry

IMAGE = f"ghcr.io/o/b@sha256:{'ab' * 32}"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageRegistry]:
    with ImageRegistry.serve(tmp_path_factory.mktemp("registry")) as served:
        yield served


def test_deleted_image_is_gone(images: ImageRegistry) -> None:
    image = images.push("todo-backend", "1")
    assert registry.check(image).state == "found"
    assert registry.check(image.replace("@", ":v1@")).state == "found"

    images.delete(image)

    status = registry.check(image.replace("@", ":v1@"))
    assert status.state == "gone"
    assert status.detail.endswith("MANIFEST_UNKNOWN: Unknown manifest")
    assert registry.check(image.replace("todo-backend", "nothing")).state == "gone"


def test_index_without_the_image_of_a_platform_is_gone(images: ImageRegistry) -> None:
    arm, attestation = images.push("todo-frontend", "arm"), images.push("todo-frontend", "attestation")
    index = images.index("todo-frontend", {"arm64": arm, "unknown": attestation})
    assert registry.check(index).state == "found"

    images.delete(attestation)
    assert registry.check(index).state == "found"

    images.delete(arm)
    status = registry.check(index)
    assert status.state == "gone"
    assert status.detail.startswith("linux/arm64: ")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ("GET https://ghcr.io/v2/o/b/manifests/v1: DENIED: requested access to the resource is denied", "unknown"),
        ('Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io: no such host', "unknown"),
        ("GET https://r.example/v2/o/b/manifests/x: unexpected status code 503 Service Unavailable", "unknown"),
        ("GET https://r.example/v2/o/b/manifests/x: unexpected status code 404 Not Found", "gone"),
    ],
)
def test_only_a_definite_error_means_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str, state: str
) -> None:
    StandIn("crane", tmp_path, monkeypatch).does(f"echo 'Error: fetching manifest {IMAGE}: {error}' >&2; exit 1")

    status = registry.check(IMAGE)

    assert (status.state, status.detail) == (state, error)


def test_missing_or_hanging_crane_means_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/bin")
    assert registry.check(IMAGE) == registry.Status("unknown", "crane is not on PATH.")

    StandIn("crane", tmp_path, monkeypatch).does("exec sleep 600")
    assert registry.check(IMAGE, timeout=0.2).state == "unknown"
