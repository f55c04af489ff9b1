"""What is provided lies where the project and the engine look for it."""

import hashlib
from dataclasses import replace

import pytest

from system.errors import UserError
from tests.support.toolchain.project import Project
from tests.support.toolchain.publisher import Publisher, tar
from tests.support.toolchain.stand_ins import executable


def test_an_engine_without_a_language_host_gets_the_projects(project: Project) -> None:
    project.provide()
    assert not (project.layout.bin / "engine").is_symlink()  # it looks beside the file that it is
    assert project.answer("pulumi-language-python") == "the project's own host"


def test_an_installed_engine_keeps_its_language_host(project: Project) -> None:
    executable(project.path / "engine", "v1.2.3")
    executable(project.path / "pulumi-language-python", "official")
    project.provide()
    assert (project.layout.bin / "engine").readlink() == project.path / "engine"
    assert project.answer("pulumi-language-python") == "official"


def test_an_installed_engine_without_its_language_host_is_not_used(project: Project) -> None:
    executable(project.path / "engine", "v1.2.3")
    project.provide()
    assert project.answer("engine") == "built"


def test_the_plugin_is_installed_for_the_engine(project: Project) -> None:
    project.provide()
    assert [path.name for path in project.layout.plugins.iterdir()] == ["resource-cloud-v1.2.3"]
    assert (project.layout.plugins / "resource-cloud-v1.2.3" / "pulumi-resource-cloud").is_file()


def test_an_installed_plugin_is_left_alone(project: Project) -> None:
    plugin = project.layout.plugins / "resource-cloud-v1.2.3" / "pulumi-resource-cloud"
    executable(plugin, "official")
    project.provide()
    assert "official" in plugin.read_text()
    assert "plugin" not in [call.module for call in project.go.calls("build")]


def test_a_half_installed_plugin_is_replaced(project: Project) -> None:
    plugin = project.layout.plugins / "resource-cloud-v1.2.3" / "pulumi-resource-cloud"
    executable(plugin, "half")
    (project.layout.plugins / "resource-cloud-v1.2.3.partial").touch()
    project.provide()
    assert "built" in plugin.read_text()
    assert not (project.layout.plugins / "resource-cloud-v1.2.3.partial").exists()


def test_the_chart_of_the_module_is_packed_as_its_publisher_does(project: Project) -> None:
    project.provide()
    chart = project.layout.charts / "chart"
    assert {path.name: path.read_text() for path in chart.iterdir()} == {
        "Chart.yaml": "version: 1.2.3",
        "values.yaml": "tag: 0.0.0",
    }


def test_a_module_whose_chart_is_packed_otherwise_is_an_error(project: Project) -> None:
    (chart,) = project.pins.charts
    chart = replace(chart, replacements={"values.yaml": ("edge", "1.2.3")})
    project.pins = replace(project.pins, charts=(chart,))
    with pytest.raises(UserError, match=r"values\.yaml"):
        project.provide()
    assert not project.layout.charts.exists()


def test_the_publishers_chart_is_used(project: Project, publisher: Publisher) -> None:
    archive = tar({"chart/Chart.yaml": "version: published"})
    publisher.files["/chart-1.2.3.tgz"] = archive
    (chart,) = project.pins.charts
    project.pins = replace(project.pins, charts=(replace(chart, sha256=hashlib.sha256(archive).hexdigest()),))
    project.provide()
    assert (project.layout.charts / "chart" / "Chart.yaml").read_text() == "version: published"


def test_every_chart_is_provided_from_where_it_can_be_had(project: Project, publisher: Publisher) -> None:
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


def test_a_forged_chart_is_an_error(project: Project, publisher: Publisher) -> None:
    publisher.files["/chart-1.2.3.tgz"] = tar({"chart/Chart.yaml": "version: forged"})
    with pytest.raises(UserError, match=f"and not the published {'0' * 64}"):
        project.provide()


def test_what_does_not_belong_among_the_tools_goes(project: Project) -> None:
    executable(project.layout.bin / "tool-of-former-pins", "v1")
    executable(project.layout.bin / ".staging-of-a-killed-run" / "served", "v1")
    project.provide()
    names = {path.name for path in project.layout.bin.iterdir()}
    assert names == {"served", "first", "engine", "pulumi-language-python"}


def test_a_second_run_does_nothing(project: Project) -> None:
    project.provide()
    project.go.uninstall()
    del project.said[:]
    project.provide()
    assert project.said == [f"the toolchain is ready in {project.layout.bin}"]


def test_an_installed_tool_that_was_replaced_is_asked_again(project: Project) -> None:
    executable(project.path / "served", "v1.2.3")
    project.provide()
    executable(project.path / "served", "v1.2.4 of another package")
    project.provide()
    assert project.answer("served") == "built"


@pytest.mark.parametrize("lost", ["home/.cache/todo-oke/tools", "project/.tools/bin/first", "home/.pulumi/plugins"])
def test_what_got_lost_is_provided_again(project: Project, lost: str) -> None:
    project.provide()
    path = project.folder / lost
    path.rename(project.folder / "elsewhere")
    project.provide()
    assert path.exists()
    assert project.answer("first") == "built"


def test_the_tests_get_their_tools_which_the_delivery_does_without(project: Project) -> None:
    project.provide()
    assert not (project.layout.bin / "store").exists()
    project.provide_for_tests()
    assert project.answer("store") == "built"
    project.said.clear()
    project.provide_for_tests()
    assert project.said == [f"the tools of the tests are ready in {project.layout.bin}"]


def test_the_tools_of_the_tests_stay_when_those_of_the_delivery_change(project: Project) -> None:
    project.provide_for_tests()
    project.provide()
    assert project.answer("store") == "built"
