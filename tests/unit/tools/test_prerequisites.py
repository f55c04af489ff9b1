"""What is missing on the machine is said at once, in sentences, before anything is done."""

from dataclasses import replace

import pytest

from tests.support.toolchain.project import Project
from tests.support.toolchain.stand_ins import executable
from tools.toolchain.errors import BootstrapError


def problems(project: Project) -> str:
    with pytest.raises(BootstrapError) as error:
        project.provide()
    assert not project.layout.bin.exists()
    return str(error.value)


def test_no_go(project: Project) -> None:
    project.go.uninstall()
    assert problems(project) == (
        "served, first, engine, pulumi-resource-cloud, the chart chart must be built here, which takes Go 1.26 or "
        "newer, and there is none on PATH that works: install it from https://go.dev/dl/."
    )


@pytest.mark.parametrize(("version", "named"), [("go1.25.9", "1.25.9"), ("go1.3", "1.3")])
def test_an_old_go(project: Project, version: str, named: str) -> None:
    project.go.install(version=version)
    assert f"takes Go 1.26 or newer, and {project.path / 'go'} is Go {named}: install it" in problems(project)


@pytest.mark.parametrize("version", ["go1.26", "go1.26rc1", "go1.100.1", "go2.0"])
def test_a_go_that_will_do(project: Project, version: str) -> None:
    project.go.install(version=version)
    project.provide()


def test_a_go_that_does_not_work(project: Project) -> None:
    executable(project.path / "go", "no GOROOT")
    assert "there is none on PATH that works" in problems(project)


def test_no_go_is_needed_where_nothing_is_built(project: Project) -> None:
    project.provide()
    (project.layout.bin / "first").unlink()
    project.go.uninstall()
    project.provide()


def test_too_little_disk(project: Project) -> None:
    huge = [replace(tool, module=replace(tool.module, seconds=10**9)) for tool in project.pins.tools]
    project.pins = replace(project.pins, tools=tuple(huge))
    sentence = problems(project)
    assert sentence.startswith("building takes 12000000.0 GB and the disk of ")
    assert sentence.endswith("GB free: make room there, or let GOCACHE name a folder on another disk.")
