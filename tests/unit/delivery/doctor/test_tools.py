from pathlib import Path

import pytest

from tests.support.machine import Fault, Machine, removed, setting


@pytest.mark.parametrize(
    ("fault", "name", "evidence"),
    [
        (lambda machine: machine.engine(version="v3.256.0"), "pulumi", "\nhint: make tools && "),
        (
            lambda machine: machine.docker.does('test "$1" = buildx && echo 1'),
            "docker",
            "\nhint: docker info",
        ),
        (
            lambda machine: machine.docker.does('test "$1" = info'),
            "docker",
            "\nhint: docker buildx version",
        ),
        (removed("bin/docker"), "docker", "docker"),
        (removed(".docker/config.json"), "registry", "\nhint: docker login ghcr.io"),
        (removed("bin/trivy"), "trivy", "trivy"),
    ],
)
def test_unusable_tool_fails_its_check(machine: Machine, fault: Fault, name: str, evidence: str) -> None:
    fault(machine)

    assert evidence in machine.failure(name)


def test_tool_of_make_tools_needs_no_path(machine: Machine) -> None:
    Path(".tools/bin").mkdir(parents=True)
    Path("bin/pulumi").rename(".tools/bin/pulumi")

    assert machine.check("pulumi").state == "passed"


def test_missing_registry_token_is_noted(machine: Machine) -> None:
    assert "registryToken" not in machine.check("registry").evidence

    setting(registryToken="")(machine)

    assert "registryToken" in machine.check("registry").evidence


def test_registry_unknown_to_the_workflows_is_noted(machine: Machine) -> None:
    assert "workflows" not in machine.check("registry").evidence
    Path(".docker/config.json").write_text('{"auths": {"fra.ocir.io": {}}}')

    setting(imageRegistry="fra.ocir.io/octo")(machine)

    assert "the workflows log in to ghcr.io only" in machine.check("registry").evidence
