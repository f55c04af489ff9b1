"""Errors about the machine come before any work."""

from dataclasses import replace

import pytest

from system.errors import UserError
from tests.support.toolchain.fakes import executable
from tests.support.toolchain.project import Project


def error_of(project: Project) -> UserError:
    with pytest.raises(UserError) as raised:
        project.provide()
    assert not project.layout.bin.exists()
    return raised.value


def test_missing_go_is_an_error_that_names_the_tools(project: Project) -> None:
    project.go.uninstall()
    message = error_of(project).message
    assert message.startswith("Go 1.26 or newer is needed")
    assert "served, first, engine, pulumi-resource-cloud, the chart chart" in message


@pytest.mark.parametrize("version", ["go1.25.9", "go1.3"])
def test_old_go_is_an_error(project: Project, version: str) -> None:
    project.go.install(version=version)
    assert f"{project.path / 'go'} is Go {version.removeprefix('go')}" in error_of(project).message


@pytest.mark.parametrize("version", ["go1.26", "go1.26rc1", "go1.100.1", "go2.0"])
def test_suitable_go_is_used(project: Project, version: str) -> None:
    project.go.install(version=version)
    project.provide()


def test_broken_go_is_an_error(project: Project) -> None:
    executable(project.path / "go", "no GOROOT")
    assert "none on PATH works" in error_of(project).message


def test_go_is_optional_where_nothing_is_built(project: Project) -> None:
    project.provide()
    (project.layout.bin / "first").unlink()
    project.go.uninstall()
    project.provide()


def test_full_disk_is_an_error(project: Project) -> None:
    huge = [replace(tool, module=replace(tool.module, seconds=10**9)) for tool in project.pins.tools]
    project.pins = replace(project.pins, tools=tuple(huge))
    assert str(error_of(project).hint).startswith("export GOCACHE=")
