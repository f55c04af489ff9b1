"""The Dockerfiles, without a build.

https://docs.docker.com/reference/dockerfile/
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import helm

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"[\w.-]+\.\w+/[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")
# Files beside the sources on a developer's machine that belong in no image.
PRIVATE = {".env", ".git", ".venv", "Dockerfile", "dev", "dist", "node_modules", "tests"}


@pytest.fixture(params=["backend", "frontend"])
def app(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def release() -> helm.Release:
    return helm.template("oke", helm.EVERY_OPTION)


def instructions(app: str, keyword: str) -> list[str]:
    """Return the arguments of each instruction of a kind in the app's Dockerfile, in order."""
    text = re.sub(r"^#.*\n", "", (ROOT / app / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [line.removeprefix(keyword).strip() for line in lines if line.startswith(f"{keyword} ")]


def bases(app: str) -> dict[str, str]:
    """Return the image of each base by the name of its build argument."""
    arguments = (argument.partition("=") for argument in instructions(app, "ARG"))
    return {name: image for name, _, image in arguments if name.endswith("_BASE")}


def containers(release: helm.Release, image: str) -> Iterator[tuple[helm.Manifest, helm.Manifest]]:
    """Yield every pod and container that runs an image."""
    for pod in release.pods().values():
        for container in pod["spec"]["containers"]:
            if container["image"] == image:
                yield pod["spec"], container


def deployed(release: helm.Release, app: str) -> helm.Manifest:
    """Return the container of the app's Deployment."""
    return release.container(app)


def test_every_base_is_a_build_argument_with_a_digest(app: str) -> None:
    stages = instructions(app, "FROM")
    assert {stage.removeprefix("--platform=$BUILDPLATFORM ").split()[0] for stage in stages} == {
        f"${{{name}}}" for name in bases(app)
    }
    assert all(PINNED.fullmatch(image) for image in bases(app).values())


def test_nothing_is_copied_from_an_image_without_a_digest(app: str) -> None:
    stages = {stage.split(" AS ")[1] for stage in instructions(app, "FROM") if " AS " in stage}
    copied = re.findall(r"(?:--from=|,from=)([^\s,]+)", "\n".join(instructions(app, "COPY") + instructions(app, "RUN")))
    assert set(copied) == stages


def test_the_interpreter_is_built_for_the_debian_of_the_runtime() -> None:
    release = {"trixie": "debian13"}
    python, runtime = bases("backend")["PYTHON_BASE"], bases("backend")["RUNTIME_BASE"]
    assert [name for name in release if f"-{name}@" in python and f"-{release[name]}:" in runtime]


def test_the_user_is_the_one_of_every_pod(app: str, release: helm.Release) -> None:
    users = {
        f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
        for pod, _ in containers(release, deployed(release, app)["image"])
    }
    assert users == set(instructions(app, "USER"))


def test_the_port_is_the_one_of_the_chart(app: str, release: helm.Release) -> None:
    assert instructions(app, "EXPOSE") == [str(port["containerPort"]) for port in deployed(release, app)["ports"]]


def test_docker_and_kubernetes_probe_the_same_path(app: str, release: helm.Release) -> None:
    (check,) = instructions(app, "HEALTHCHECK")
    path = deployed(release, app)["livenessProbe"]["httpGet"]["path"]
    assert re.search(rf"""http://127\.0\.0\.1:{instructions(app, "EXPOSE")[0]}{path}['"]""", check)
    assert "CMD [" in check  # there may be no shell


def test_no_secret_is_part_of_the_build(app: str, release: helm.Release) -> None:
    settings = [*instructions(app, "ARG"), *instructions(app, "ENV"), *instructions(app, "RUN")]
    secrets = [variable["name"] for variable in deployed(release, "backend")["env"]]
    assert secrets
    assert not [name for name in secrets if name in " ".join(settings)]


def test_only_sources_are_in_the_build_context(app: str) -> None:
    lines = [line for line in (ROOT / app / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    admitted = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert lines[0] == "*"
    assert not PRIVATE & admitted
    # Names, not patterns: and each is one that exists.
    assert all((ROOT / app / name).exists() for name in admitted)


def test_hadolint_finds_nothing(app: str) -> None:
    result = subprocess.run(
        ["hadolint", "--no-color", str(ROOT / app / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (0, "")
