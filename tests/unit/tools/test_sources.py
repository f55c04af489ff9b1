"""Where a tool comes from: installed, cache, publisher, Go module; the first that has it."""

import hashlib
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from system.errors import UserError
from tests.support.toolchain.project import Project, make_project, pins_of
from tests.support.toolchain.publisher import Publisher, tar, zipped
from tests.support.toolchain.stand_ins import executable
from tools.toolchain.download import Publishers
from tools.toolchain.machine import Platform
from tools.toolchain.pins import GoModule, Release, Tool

ARCHIVE = "/v1.2.3/served-linux-x64.tar.gz"
CHECKSUMS = "/v1.2.3/SUMS-amd64"
SERVED = tar({"served-v1.2.3/served": "#!/bin/sh\necho downloaded\n", "served-v1.2.3/LICENSE": ""})
ALL = {"served", "first", "engine", "pulumi-resource-cloud"}


def built_tools(project: Project) -> set[str]:
    packages = [argument for call in project.go.calls("build") for argument in call.arguments]
    return {argument.rsplit("/", 1)[1] for argument in packages if argument.startswith("example.org/")}


@pytest.mark.parametrize("answer", ["v1.2.3", "Version: 1.2.3, built with go1.26.8", "served version v1.2.3 (linux)"])
def test_an_installed_tool_of_the_pinned_version_is_used(project: Project, answer: str) -> None:
    executable(project.path / "served", answer)
    project.provide()
    assert project.answer("served") == answer
    assert built_tools(project) == ALL - {"served"}


@pytest.mark.parametrize("answer", ["v1.2.4", "v1.2.3-dispatcher", "v1.2.30", "v11.2.3", "", "usage: served"])
def test_an_installed_tool_of_another_version_is_not(project: Project, answer: str) -> None:
    executable(project.path / "served", answer)
    project.provide()
    assert project.answer("served") == "built"


def test_what_an_earlier_run_provided_does_not_count_as_installed(project: Project) -> None:
    executable(project.layout.bin / "served", "v1.2.3")
    project.provide()
    assert project.answer("served") == "built"


def test_the_cache_serves_another_checkout_without_go_or_publisher(project: Project, empty_venv: Path) -> None:
    project.provide()
    other = make_project(project.folder / "other", "http://127.0.0.1:9", empty_venv)
    (other.folder / "home").symlink_to(project.folder / "home")
    (other.layout.plugins / "resource-cloud-v1.2.3" / "pulumi-resource-cloud").unlink()
    other.pins = project.pins
    other.provide()
    assert {other.answer(name) for name in ("served", "first", "engine")} == {"built"}


def test_a_changed_pin_is_not_served_from_the_cache(project: Project) -> None:
    project.provide()
    (project.layout.modules / "served" / "go.mod").write_text("module served // at another version\n")
    project.provide()
    assert [call.module for call in project.go.calls("build")].count("served") == 2


def test_a_download_with_the_published_checksum_is_used(project: Project, publisher: Publisher) -> None:
    publisher.publish(ARCHIVE, SERVED, CHECKSUMS)
    project.provide()
    assert project.answer("served") == "downloaded"
    assert built_tools(project) == ALL - {"served"}


@pytest.mark.parametrize(
    ("file", "member", "content"),
    [
        ("tool-{version}-{os}-{arch}", "", b"#!/bin/sh"),
        ("tool-{x64}.tar.gz", "tool-{os}/tool", tar({"tool-darwin/tool": "#!/bin/sh"})),
        ("tool.{archive}", "tool", zipped({"tool": "#!/bin/sh"})),
        ("tool_{system}_{machine}.tar.gz", "tool_Darwin_arm64/tool", tar({"tool_Darwin_arm64/tool": "#!/bin/sh"})),
    ],
)
def test_a_macs_files(publisher: Publisher, tmp_path: Path, file: str, member: str, content: bytes) -> None:
    platform = Platform("darwin", "arm64")
    release = Release(f"{publisher.address}/{{version}}", file, "{version}.sha256", member)
    tool = Tool("tool", "1.2.3", GoModule("", seconds=0), "", (), release)
    publisher.files[f"/1.2.3/{platform.fill(file, '1.2.3')}"] = content
    publisher.files["/1.2.3/1.2.3.sha256"] = hashlib.sha256(content).hexdigest().encode()
    publishers = Publishers(print)
    published = publishers.find(tool, platform)
    assert published
    path = publishers.executable(published, tmp_path)
    assert path.read_bytes() == b"#!/bin/sh"
    assert os.access(path, os.X_OK)


def test_a_download_with_another_checksum_is_an_error_and_leaves_nothing(
    project: Project, publisher: Publisher
) -> None:
    publisher.publish(ARCHIVE, SERVED, CHECKSUMS)
    publisher.files[ARCHIVE] = SERVED + b"!"
    with pytest.raises(UserError) as error:
        project.provide()
    forged, published = (hashlib.sha256(content).hexdigest() for content in (SERVED + b"!", SERVED))
    for part in (f"{publisher.address}{ARCHIVE}", forged, published):
        assert part in error.value.message
    assert project.cached() == set()
    assert not project.layout.bin.exists()
    assert project.go.calls("build") == []


def test_a_file_that_is_not_published_is_built(project: Project, publisher: Publisher) -> None:
    project.provide()
    assert project.answer("served") == "built"
    assert f"{publisher.address}{CHECKSUMS} answers 404 Not Found" in project.said


def test_a_file_that_its_checksums_do_not_name_is_built(project: Project, publisher: Publisher) -> None:
    publisher.publish("/v1.2.3/served-plan9-x64.tar.gz", SERVED, CHECKSUMS)
    project.provide()
    assert project.answer("served") == "built"
    assert f"{publisher.address}{CHECKSUMS} does not name served-linux-x64.tar.gz" in project.said


def test_a_file_that_is_gone_is_built(project: Project, publisher: Publisher) -> None:
    publisher.publish(ARCHIVE, SERVED, CHECKSUMS)
    del publisher.files[ARCHIVE]
    project.provide()
    assert project.answer("served") == "built"


def test_a_file_that_is_gone_is_an_error_without_go(project: Project, publisher: Publisher) -> None:
    project.provide()
    publisher.publish(ARCHIVE, SERVED, CHECKSUMS)
    del publisher.files[ARCHIVE]
    (project.layout.modules / "served" / "go.mod").write_text("module served // at another version\n")
    project.go.uninstall()
    with pytest.raises(UserError, match=r"^Go .* to build served"):
        project.provide()


def test_a_download_that_breaks_off_is_built(project: Project, publisher: Publisher) -> None:
    publisher.publish(ARCHIVE, SERVED, CHECKSUMS)
    publisher.broken.add(ARCHIVE)
    project.provide()
    assert project.answer("served") == "built"


def test_an_archive_without_the_tool_is_an_error(project: Project, publisher: Publisher) -> None:
    publisher.publish(ARCHIVE, tar({"served-v9/served": ""}), CHECKSUMS)
    with pytest.raises(UserError, match=r"does not hold served-v1\.2\.3/served"):
        project.provide()
    assert project.cached() == set()


def test_a_publisher_that_cannot_be_reached_is_named_once(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        site = f"127.0.0.1:{unused.getsockname()[1]}"
    project.pins = pins_of(f"http://{site}")
    project.provide()
    assert [line for line in project.said if site in line] == [
        f"{site} cannot be reached ([Errno 111] Connection refused)"
    ]
    assert built_tools(project) == ALL


def test_a_publisher_of_files_for_other_systems_is_not_asked(project: Project, publisher: Publisher) -> None:
    served, *others = project.pins.tools
    assert served.release
    elsewhere = replace(served, release=replace(served.release, systems=("darwin",)))
    project.pins = replace(project.pins, tools=(elsewhere, *others))
    project.provide()
    assert CHECKSUMS not in publisher.asked
    assert project.answer("served") == "built"


@pytest.mark.parametrize(("arch", "machine"), [("amd64", "x86_64"), ("arm64", "arm64")])
def test_a_file_that_is_named_as_uname_names_the_platform(arch: str, machine: str) -> None:
    assert Platform("linux", arch).fill("tool_{system}_{machine}", "1.2.3") == f"tool_Linux_{machine}"
