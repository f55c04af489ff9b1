"""Where a tool comes from: installed, cache, publisher, Go module; the first that has it."""

import hashlib
import os
import socket
from pathlib import Path

import pytest

from system.errors import UserError
from tests.support.toolchain.fakes import executable
from tests.support.toolchain.project import Project, make_project, pins_of
from tests.support.toolchain.publisher import Publisher, tar, zipped
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
def test_installed_tool_of_the_pinned_version_is_used(project: Project, answer: str) -> None:
    executable(project.path / "served", answer)
    project.provide()
    assert project.answer("served") == answer
    assert built_tools(project) == ALL - {"served"}


@pytest.mark.parametrize("answer", ["v1.2.4", "v1.2.3-dispatcher", "v1.2.30", "v11.2.3", "", "usage: served"])
def test_installed_tool_of_another_version_is_not_used(project: Project, answer: str) -> None:
    executable(project.path / "served", answer)
    project.provide()
    assert project.answer("served") == "built"


def test_provided_tool_does_not_count_as_installed(project: Project) -> None:
    executable(project.layout.bin / "served", "v1.2.3")
    project.provide()
    assert project.answer("served") == "built"


def test_cache_serves_another_checkout_without_go_or_publisher(project: Project, empty_venv: Path) -> None:
    project.provide()
    other = make_project(project.folder / "other", "http://127.0.0.1:9", empty_venv)
    (other.folder / "home").symlink_to(project.folder / "home")
    (other.layout.plugins / "resource-cloud-v1.2.3" / "pulumi-resource-cloud").unlink()
    other.pins = project.pins
    other.provide()
    assert {other.answer(name) for name in ("served", "first", "engine")} == {"built"}


def test_changed_pin_is_not_served_from_the_cache(project: Project) -> None:
    project.provide()
    (project.layout.modules / "served" / "go.mod").write_text("module served // at another version\n")
    project.provide()
    assert [call.module for call in project.go.calls("build")].count("served") == 2


def test_download_with_the_published_checksum_is_used(project: Project, publisher: Publisher) -> None:
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
def test_archives_of_each_kind_and_naming_are_unpacked(
    publisher: Publisher, tmp_path: Path, file: str, member: str, content: bytes
) -> None:
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


def test_download_with_another_checksum_is_an_error_and_leaves_nothing(project: Project, publisher: Publisher) -> None:
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


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("unpublished", f"{CHECKSUMS} answers 404 Not Found"),
        ("not in the checksums", f"{CHECKSUMS} does not name served-linux-x64.tar.gz"),
        ("gone", f"{ARCHIVE} answers 404 Not Found"),
        ("broken off", ""),
    ],
)
def test_failed_download_is_replaced_by_a_build(
    project: Project, publisher: Publisher, fault: str, reason: str
) -> None:
    if fault != "unpublished":
        name = "/v1.2.3/served-plan9-x64.tar.gz" if fault == "not in the checksums" else ARCHIVE
        publisher.publish(name, SERVED, CHECKSUMS)
    if fault == "gone":
        del publisher.files[ARCHIVE]
    if fault == "broken off":
        publisher.broken.add(ARCHIVE)
    project.provide()
    assert project.answer("served") == "built"
    assert any(reason in line for line in project.said)


def test_archive_without_the_tool_is_an_error(project: Project, publisher: Publisher) -> None:
    publisher.publish(ARCHIVE, tar({"served-v9/served": ""}), CHECKSUMS)
    with pytest.raises(UserError, match=r"does not hold served-v1\.2\.3/served"):
        project.provide()
    assert project.cached() == set()


def test_unreachable_publisher_is_named_once(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        site = f"127.0.0.1:{unused.getsockname()[1]}"
    project.pins = pins_of(f"http://{site}")
    project.provide()
    assert [line for line in project.said if site in line] == [
        f"{site} cannot be reached ([Errno 111] Connection refused)"
    ]
    assert built_tools(project) == ALL
