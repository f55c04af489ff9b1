import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pulumi
import pytest

from components.app.image_scan import scan_hook
from system.errors import UserError
from tests.support.commands import StandIn
from tests.support.engine import Engine, Hook, Inputs

FRONTEND, BACKEND = (f"ghcr.io/example/todo-{app}:v1@sha256:{'ab' * 32}" for app in ("frontend", "backend"))
RELEASE = ("test:index:Release", "todo-app")


class Release(pulumi.CustomResource):
    """A Helm release of the two images, by the hook's view of it."""

    def __init__(self, hook: pulumi.ResourceHook) -> None:
        values = {"frontend": {"image": FRONTEND}, "backend": {"image": BACKEND}, "dapr": {"topic": "todos"}}
        hooks = pulumi.ResourceHookBinding(before_create=[hook])
        super().__init__(*RELEASE, {"values": values}, pulumi.ResourceOptions(hooks=hooks))


@pytest.fixture
def trivy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn("trivy", tmp_path, monkeypatch)


def release(engine: Engine, *, platforms: Sequence[str] = ("linux/arm64",)) -> None:
    def program() -> None:
        resource = pulumi.ComponentResource("test:index:App", "app")
        Release(scan_hook("todo-app", ["HIGH", "CRITICAL"], platforms, resource=resource))

    engine.deploy(program)


def logged(engine: Engine) -> list[str]:
    return [entry.message for entry in engine.log]


def refusal(engine: Engine) -> str:
    def never() -> Inputs:
        pytest.fail("released all the same")

    engine.creations[RELEASE] = never
    with pytest.raises(UserError) as error:
        release(engine)
    return str(error.value)


def scanned(trivy: StandIn) -> list[str]:
    return [call[-1] for call in trivy.calls]


def test_trivy_gets_none_of_the_secrets(
    engine: Engine, trivy: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trivy.does(f"env > {tmp_path}/environment")
    for name in ("PULUMI_CONFIG", "PULUMI_CONFIG_PASSPHRASE", "GITHUB_TOKEN", "TF_VAR_private_key"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("TRIVY_CACHE_DIR", "cache")

    release(engine)

    environment = (tmp_path / "environment").read_text()
    assert "TRIVY_CACHE_DIR=cache\n" in environment
    assert "canary" not in environment


def test_only_fixable_vulnerabilities_of_the_severities_count(engine: Engine, trivy: StandIn) -> None:
    release(engine)

    options = trivy.calls[0]
    assert options[:3] == ["image", "--quiet", "--ignore-unfixed"]
    given = dict(zip(options[3:-1:2], options[4:-1:2], strict=True))
    assert given["--severity"] == "HIGH,CRITICAL"
    assert given["--scanners"] == "vuln"
    assert given["--image-src"] == "remote"


def test_images_of_the_release_are_scanned_on_each_platform(engine: Engine, trivy: StandIn) -> None:
    release(engine, platforms=["linux/arm64", "linux/amd64"])

    assert scanned(trivy) == [FRONTEND, FRONTEND, BACKEND, BACKEND]
    platforms = [call[call.index("--platform") + 1] for call in trivy.calls]
    assert platforms == ["linux/arm64", "linux/amd64"] * 2
    assert engine.find(*RELEASE)
    assert logged(engine) == []


def test_vulnerable_image_is_not_released(engine: Engine, trivy: StandIn) -> None:
    trivy.does('case "$*" in *todo-backend*) echo "libssl3  CVE-2026-1234  CRITICAL"; exit 10;; esac')

    message = refusal(engine)

    assert BACKEND in message
    assert FRONTEND not in message
    assert 'pulumi config set imageScan ""' in message
    assert logged(engine) == ["libssl3  CVE-2026-1234  CRITICAL"]
    assert engine.log[0].urn.endswith("::app")


def test_a_long_table_is_cut(engine: Engine, trivy: StandIn) -> None:
    trivy.does("seq 100; exit 10")

    refusal(engine)

    lines = logged(engine)[0].splitlines()
    assert lines[:60] == [str(number) for number in range(1, 61)]
    assert lines[60:] == ["… and 40 lines more"]


def test_a_failed_scan_stops_the_release(engine: Engine, trivy: StandIn) -> None:
    trivy.does("echo 'FATAL  DB error: no space left on device' >&2; exit 1")

    message = refusal(engine)

    assert f"Trivy could not scan {FRONTEND} (linux/arm64): FATAL  DB error: no space left on device" in message
    assert "trivy image --quiet" in message
    assert len(trivy.calls) == 1


def test_missing_trivy_stops_the_release(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    message = refusal(engine)

    assert "trivy is not on PATH" in message
    assert "https://trivy.dev/" in message


def changing(*, frontend: str = FRONTEND, backend: str = BACKEND) -> pulumi.ResourceHookArgs:
    """Return the arguments of a hook before an update from FRONTEND and BACKEND to other images."""
    old, new = (
        {"values": {"frontend": {"image": images[0]}, "backend": {"image": images[1]}}}
        for images in ((FRONTEND, BACKEND), (frontend, backend))
    )
    return pulumi.ResourceHookArgs("", "", "todo-app", RELEASE[0], old_inputs=old, new_inputs=new)


def test_a_running_image_is_not_scanned_again(engine: Engine, trivy: StandIn) -> None:
    trivy.does('case "$*" in *todo-frontend*) exit 10;; esac')
    rebuilt = BACKEND.replace("ab", "cd")
    hooks: list[pulumi.ResourceHook] = []

    def program() -> None:
        resource = pulumi.ComponentResource("test:index:App", "app")
        hooks.append(scan_hook("todo-app", ["HIGH"], ["linux/arm64"], resource=resource))

    engine.deploy(program)
    asyncio.run(cast("Hook", hooks[0].callback)(changing(backend=rebuilt)))

    assert scanned(trivy) == [rebuilt]
