from pathlib import Path

import pulumi
import pytest

from components.app.build_failure import failed_step_hook
from tests.support.commands import StandIn
from tests.support.engine import Engine, Inputs

IMAGE = ("test:index:Image", "todo-frontend")
STEP_FAILED = 'failed to solve: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1'

# As buildx v0.35 prints it.
LOG = f"""\
#5 [2/2] RUN npm ci
#5 0.046 npm error network
#5 ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1
------
 > [2/2] RUN npm ci:
0.046 npm error network
------
Dockerfile:3
--------------------
   3 | >>> RUN npm ci
--------------------
ERROR: failed to build: {STEP_FAILED}
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn("docker", tmp_path, monkeypatch)


def fail(engine: Engine, error: str = STEP_FAILED) -> str:
    """Return the log of a build that fails with an error and is not retried."""
    builds: list[str] = []

    def creation() -> Inputs:
        builds.append(error)
        raise RuntimeError(error)

    def program() -> None:
        resource = pulumi.ComponentResource("test:index:Images", "images")
        arguments = {"VERSION": "sha-1a2b3c4", "SOURCE": "https://github.com/example/todo"}
        hook = failed_step_hook("todo-frontend", "frontend", ["linux/arm64"], arguments, resource=resource)
        hooks = pulumi.ResourceHookBinding(on_error=[hook])
        pulumi.CustomResource(*IMAGE, {}, pulumi.ResourceOptions(hooks=hooks))

    engine.creations[IMAGE] = creation
    with pytest.raises(Exception, match="failed to") as failure:
        engine.deploy(program)
    assert error in str(failure.value)
    assert builds == [error]
    return "\n".join(entry.message for entry in engine.log if entry.urn.endswith("::images"))


def writes(docker: StandIn, log: str, *, code: int = 1) -> None:
    docker.does(f"cat >&2 <<'END'\n{log}END\nexit {code}")


def test_the_last_lines_of_the_failed_step_are_logged(engine: Engine, docker: StandIn) -> None:
    writes(docker, LOG)

    log = fail(engine)

    assert log.splitlines()[:2] == ["> [2/2] RUN npm ci:", "0.046 npm error network"]
    assert "   3 | >>> RUN npm ci" in log
    assert "#5" not in log


def test_the_step_runs_with_the_arguments_of_the_build_and_pushes_nothing(engine: Engine, docker: StandIn) -> None:
    fail(engine)

    (arguments,) = docker.calls
    assert arguments[:2] == ["buildx", "build"]
    assert arguments[-1] == "frontend"
    assert {"--platform=linux/arm64", "VERSION=sha-1a2b3c4", "SOURCE=https://github.com/example/todo"} <= {*arguments}
    assert "--output=type=cacheonly" in arguments


def test_a_long_output_is_cut_to_its_last_lines(engine: Engine, docker: StandIn) -> None:
    writes(docker, "------\n------\n" + "\n".join(str(number) for number in range(100)) + "\n")

    assert fail(engine).splitlines() == [str(number) for number in range(70, 100)]


@pytest.mark.parametrize(
    "error",
    [
        "failed to push ghcr.io/example/todo-frontend:sha-1a2b3c4: denied",
        'failed to solve: "/nginx.conf": not found',
        "failed to solve: dockerfile parse error on line 3: unknown instruction: RAN",
    ],
)
def test_other_errors_run_nothing_again(engine: Engine, docker: StandIn, error: str) -> None:
    assert fail(engine, error) == ""
    assert docker.calls == []


def test_a_step_that_succeeds_the_second_time_leaves_a_hint(engine: Engine, docker: StandIn) -> None:
    writes(docker, LOG, code=0)

    assert "docker buildx build --progress=plain" in fail(engine)


def test_missing_docker_leaves_a_hint(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "docker buildx build --progress=plain" in fail(engine)
