"""The folders in which the project and the engine find the tools, plug-ins and charts."""

import hashlib
from dataclasses import replace

import pytest

from system.errors import UserError
from tests.support.toolchain.fakes import executable
from tests.support.toolchain.project import Project
from tests.support.toolchain.publisher import Publisher, tar


def test_engine_without_a_language_host_gets_the_projects_own(project: Project) -> None:
    project.provide()
    assert not (project.layout.bin / "engine").is_symlink()  # it looks beside the file that it is
    assert project.answer("pulumi-language-python") == "the project's own host"


def test_installed_engine_keeps_its_language_host(project: Project) -> None:
    executable(project.path / "engine", "v1.2.3")
    executable(project.path / "pulumi-language-python", "official")
    project.provide()
    assert (project.layout.bin / "engine").readlink() == project.path / "engine"
    assert project.answer("pulumi-language-python") == "official"


def test_installed_engine_without_its_language_host_is_not_used(project: Project) -> None:
    executable(project.path / "engine", "v1.2.3")
    project.provide()
    assert project.answer("engine") == "built"


@pytest.mark.parametrize(("partial", "contents"), [(False, "official"), (True, "built")], ids=["whole", "half"])
def test_installed_plugin_is_left_alone_unless_half_installed(
    project: Project, *, partial: bool, contents: str
) -> None:
    plugin = project.layout.plugins / "resource-cloud-v1.2.3" / "pulumi-resource-cloud"
    marker = project.layout.plugins / "resource-cloud-v1.2.3.partial"
    executable(plugin, "official")
    if partial:
        marker.touch()
    project.provide()
    assert contents in plugin.read_text()
    assert not marker.exists()
    assert ("plugin" in [call.module for call in project.go.calls("build")]) is partial


def test_chart_is_packed_from_its_module_as_its_publisher_does(project: Project) -> None:
    project.provide()
    chart = project.layout.charts / "chart"
    assert {path.name: path.read_text() for path in chart.iterdir()} == {
        "Chart.yaml": "version: 1.2.3",
        "values.yaml": "tag: 0.0.0",
    }


def test_chart_without_the_replaced_text_is_an_error(project: Project) -> None:
    (chart,) = project.pins.charts
    chart = replace(chart, replacements={"values.yaml": ("edge", "1.2.3")})
    project.pins = replace(project.pins, charts=(chart,))
    with pytest.raises(UserError, match=r"values\.yaml"):
        project.provide()
    assert not project.layout.charts.exists()


def test_published_and_packed_charts_are_provided(project: Project, publisher: Publisher) -> None:
    archive = tar({"served-chart/Chart.yaml": "version: published"})
    publisher.files["/served-chart-1.2.3.tgz"] = archive
    (packed,) = project.pins.charts
    served = replace(
        packed,
        name="served-chart",
        url=f"{publisher.address}/served-chart-1.2.3.tgz",
        sha256=hashlib.sha256(archive).hexdigest(),
    )
    project.pins = replace(project.pins, charts=(served, packed))
    project.provide()
    versions = {path.name: (path / "Chart.yaml").read_text() for path in project.layout.charts.iterdir()}
    assert versions == {"served-chart": "version: published", "chart": "version: 1.2.3"}


def test_forged_chart_is_an_error(project: Project, publisher: Publisher) -> None:
    publisher.files["/chart-1.2.3.tgz"] = tar({"chart/Chart.yaml": "version: forged"})
    with pytest.raises(UserError, match=f"and not the published {'0' * 64}"):
        project.provide()


def test_unknown_files_among_the_tools_are_deleted(project: Project) -> None:
    executable(project.layout.bin / "tool-of-former-pins", "v1")
    executable(project.layout.bin / ".staging-of-a-killed-run" / "served", "v1")
    project.provide()
    names = {path.name for path in project.layout.bin.iterdir()}
    assert names == {"served", "first", "engine", "pulumi-language-python"}


def test_replaced_tool_is_checked_again(project: Project) -> None:
    executable(project.path / "served", "v1.2.3")
    project.provide()
    executable(project.path / "served", "v1.2.4 of another package")
    project.provide()
    assert project.answer("served") == "built"


@pytest.mark.parametrize("lost", ["home/.cache/todo-oke/tools", "project/.tools/bin/first", "home/.pulumi/plugins"])
def test_removed_file_is_provided_again(project: Project, lost: str) -> None:
    project.provide()
    path = project.folder / lost
    path.rename(project.folder / "elsewhere")
    project.provide()
    assert path.exists()
    assert project.answer("first") == "built"


def test_tools_of_the_tests_are_provided_on_request_and_stay(project: Project) -> None:
    project.provide()
    assert not (project.layout.bin / "store").exists()
    project.provide_for_tests()
    project.said.clear()
    project.provide_for_tests()
    assert project.said == [f"the tools of the tests are ready in {project.layout.bin}"]
    project.provide()
    assert project.answer("store") == "built"
