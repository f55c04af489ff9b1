"""Builds of Go modules, and their failures."""

import time

import pytest

from system.errors import UserError
from tests.support.toolchain.project import Project


def test_module_is_built_once_with_all_its_tools(project: Project) -> None:
    project.provide()
    calls = {call.module: call for call in project.go.calls("build")}
    assert sorted(calls) == ["pair", "plugin", "served"]
    assert calls["pair"].arguments[-2:] == ["example.org/pair/first", "example.org/pair/engine"]


def test_build_stamps_the_version(project: Project) -> None:
    project.provide()
    (call,) = [call for call in project.go.calls("build") if call.module == "served"]
    assert "-X example.org/version.Version=v1.2.3" in call.arguments[call.arguments.index("-ldflags") + 1]


def test_failed_build_shows_the_end_of_its_output_and_keeps_nothing(project: Project) -> None:
    project.go.install(then="seq 100; echo 'undefined: x'; exit 1")
    with pytest.raises(UserError) as error:
        project.provide()
    assert "tools/go" in error.value.message
    shown = [line for line in project.said if line.startswith("  ")]
    assert "  1" not in shown
    assert shown[-1] == "  undefined: x"
    assert project.cached() == set()
    assert not project.layout.bin.exists()


def test_failed_build_ends_the_others_and_keeps_finished_ones(project: Project) -> None:
    project.go.install(then="case $module in plugin) sleep 300 ;; served) exit 1 ;; esac")
    started = time.monotonic()
    with pytest.raises(UserError, match="served"):
        project.provide()
    assert time.monotonic() - started < 60
    assert project.cached() == {"first", "engine"}
