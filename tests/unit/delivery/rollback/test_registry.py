"""The registry is a real one, crane's own, and so is the crane that asks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery.rollback import registry
from tests.support.commands import StandIn
from tests.support.image_registry import ImageRegistry


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageRegistry]:
    with ImageRegistry.serve(tmp_path_factory.mktemp("registry")) as served:
        yield served


def test_an_image_that_is_there_and_then_is_not(images: ImageRegistry) -> None:
    image = images.push("todo-backend", "1")
    assert registry.ask(image).state == "found"
    assert registry.ask(image.replace("@", ":v1@")).state == "found"

    images.delete(image)

    answer = registry.ask(image.replace("@", ":v1@"))
    assert answer.state == "gone"
    assert answer.detail.endswith("MANIFEST_UNKNOWN: Unknown manifest")
    assert registry.ask(image.replace("todo-backend", "nothing")).state == "gone"


def test_an_index_without_the_image_of_a_platform_is_gone(images: ImageRegistry) -> None:
    arm, attestation = images.push("todo-frontend", "arm"), images.push("todo-frontend", "attestation")
    index = images.index("todo-frontend", {"arm64": arm, "unknown": attestation})
    assert registry.ask(index).state == "found"

    images.delete(attestation)
    assert registry.ask(index).state == "found"

    images.delete(arm)
    answer = registry.ask(index)
    assert answer.state == "gone"
    assert answer.detail.startswith("linux/arm64: ")


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("GET https://ghcr.io/v2/o/b/manifests/v1: DENIED: requested access to the resource is denied", "unknown"),
        ("GET https://ghcr.io/token: UNAUTHORIZED: authentication required", "unknown"),
        ('Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io: no such host', "unknown"),
        ("GET https://r.example/v2/o/b/manifests/x: unexpected status code 503 Service Unavailable", "unknown"),
        ("GET https://r.example/v2/o/b/manifests/x: unexpected status code 404 Not Found", "gone"),
    ],
)
def test_a_registry_that_does_not_tell_is_not_one_that_lacks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, state: str
) -> None:
    image = f"ghcr.io/o/b@sha256:{'ab' * 32}"
    StandIn("crane", tmp_path, monkeypatch).does(f"echo 'Error: fetching manifest {image}: {told}' >&2; exit 1")

    answer = registry.ask(image)

    assert (answer.state, answer.detail) == (state, told)


def test_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    answer = registry.ask("ghcr.io/o/b@sha256:…")

    assert answer.state == "unknown"
    assert "crane is not on PATH. hint: make tools" in answer.detail


def test_a_registry_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_SECONDS", 0.2)
    StandIn("crane", tmp_path, monkeypatch).does("exec sleep 60")

    answer = registry.ask("ghcr.io/o/b@sha256:…")

    assert (answer.state, answer.detail) == (
        "unknown",
        "`crane manifest ghcr.io/o/b@sha256:…` timed out after 0.2 seconds.",
    )
