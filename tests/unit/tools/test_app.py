"""The needs of the app and of its tests: locked packages, system programs, the sidecar and the broker."""

import hashlib
import os
import re
import socket
from dataclasses import replace

import pytest

from system.errors import UserError
from tests.support.toolchain.fakes import executable
from tests.support.toolchain.project import Project
from tests.support.toolchain.publisher import Publisher

JAR = b"compiled"
DATABASE = "usr/lib/database"


@pytest.fixture
def ready(project: Project, publisher: Publisher) -> Project:
    """A project whose user has all that the app's tests need, and whose broker is one jar."""
    project.npm.install()
    for name in ("create", "serve", "browser"):
        executable(project.path / name, "installed")
    lock_jar(project, publisher, "org/broker/1/broker-1.jar")
    return project


def lock_jar(project: Project, publisher: Publisher, path: str) -> None:
    publisher.files[f"/maven2/{path}"] = JAR
    lock = project.layout.root / "tools" / "broker" / "jars.sha256"
    lock.write_text(f"{hashlib.sha256(JAR).hexdigest()}  {path}\n")


def errors_of(project: Project) -> list[UserError]:
    """Return the errors of a run that provides nothing."""
    errors: list[UserError] = []
    try:
        project.provide_app_tests()
    except* UserError as group:
        errors = [error for error in group.exceptions if isinstance(error, UserError)]
    assert not project.layout.provided.exists()
    return errors


def error_of(project: Project) -> UserError:
    (error,) = errors_of(project)
    return error


def test_app_gets_its_packages_and_programs_only(ready: Project) -> None:
    ready.provide_app()
    assert ready.npm.calls() == [f"{ready.layout.frontend}: ci --no-audit --no-fund"]
    assert {path.name: path.readlink() for path in ready.layout.bin.iterdir()} == {
        name: ready.path / name for name in ("create", "serve")
    }
    assert not (ready.layout.provided / "broker").exists()


def test_tests_of_the_app_get_the_sidecar_and_the_broker_too(ready: Project) -> None:
    ready.provide_app_tests()
    assert {path.name for path in ready.layout.bin.iterdir()} == {"create", "serve", "browser", "sidecar"}
    assert ready.answer("sidecar") == "built"
    assert [path.name for path in (ready.layout.provided / "broker").iterdir()] == ["broker-1.jar"]
    assert (ready.layout.provided / "broker" / "broker-1.jar").read_bytes() == JAR


def test_changed_tags_rebuild_the_executable(ready: Project) -> None:
    ready.provide_app_tests()
    (sidecar,) = ready.pins.app_tests.tools
    large = replace(sidecar, module=replace(sidecar.module, tags=("large",)))
    ready.pins = replace(ready.pins, app_tests=replace(ready.pins.app_tests, tools=(large,)))
    ready.provide_app_tests()
    assert [call.arguments[call.arguments.index("-tags") + 1] for call in ready.go.calls("build")] == [
        "small,quiet",
        "large",
    ]


def test_delivery_and_app_keep_each_others_tools(ready: Project) -> None:
    ready.provide_app_tests()
    ready.provide()
    ready.provide_app()
    names = {path.name for path in ready.layout.bin.iterdir()}
    assert names >= {"create", "serve", "browser", "sidecar", "served", "engine"}
    del ready.said[:]
    ready.provide_app_tests()
    ready.provide()
    assert len(ready.said) == 2
    assert all("ready" in line for line in ready.said)


@pytest.mark.parametrize(
    "lost", ["path/browser", "home/.cache/todo-oke/tools", "project/.tools/broker", "project/frontend/node_modules"]
)
def test_removed_file_is_provided_again(ready: Project, lost: str) -> None:
    ready.provide_app_tests()
    (ready.folder / lost).rename(ready.folder / "elsewhere")
    executable(ready.path / "browser-beta", "installed")
    ready.provide_app_tests()
    assert (ready.layout.bin / "browser").exists()
    assert (ready.layout.provided / "broker" / "broker-1.jar").exists()
    assert (ready.layout.frontend / "node_modules").exists()


# The packages that the app locks


@pytest.mark.parametrize("change", ["lock", "node", "npm"])
def test_node_packages_follow_their_lock_and_the_versions(ready: Project, change: str) -> None:
    ready.provide_app()
    executable(ready.path / "create", "a newer one")  # no program of Node
    ready.provide_app()
    assert len(ready.npm.calls()) == 1
    match change:
        case "lock":
            (ready.layout.frontend / "package-lock.json").write_text('{"packages": {}}')
        case "node":
            ready.npm.install(node="v22.1.0")
        case _:
            ready.npm.install(npm="11.0.0")
    ready.provide_app()
    assert len(ready.npm.calls()) == 2


def test_failed_installation_shows_the_end_of_its_output(ready: Project) -> None:
    ready.npm.install(then="echo 'npm error EINTEGRITY'; exit 1")
    assert "npm ci" in error_of(ready).message
    assert ready.said[-1] == "  npm error EINTEGRITY"
    ready.npm.install()
    ready.provide_app()
    assert len(ready.npm.calls()) == 2


@pytest.mark.parametrize("name", ["backend/requirements-dev.txt", "frontend/package-lock.json"])
def test_missing_lock_is_an_error(ready: Project, name: str) -> None:
    path = ready.layout.root / name
    path.unlink()
    assert error_of(ready).hint == f"git checkout -- {path}"


# Node


@pytest.mark.parametrize("node", ["echo v18.20.1", "echo v9.9.9", "echo broken", "echo v20.0.0; exit 1"])
def test_unsuitable_node_is_an_error(ready: Project, node: str) -> None:
    (ready.path / "node").write_text(f"#!/bin/sh\n{node}\n")
    assert error_of(ready).message.startswith("Node 20 or newer is needed")


@pytest.mark.parametrize("node", ["v20.0.0", "v100.1.0", "20"])
def test_suitable_node_is_used(ready: Project, node: str) -> None:
    ready.npm.install(node=node)
    ready.provide_app()


def test_everything_missing_is_reported_at_once(ready: Project) -> None:
    for name in ("node", "serve", "browser"):
        (ready.path / name).unlink()
    ready.go.uninstall()
    messages = [error.message for error in errors_of(ready)]
    assert [message.split()[0] for message in messages] == ["Node", "The", "The", "Go"]
    assert ready.npm.calls() == []


# The system's programs


def test_newest_complete_programs_beside_path_are_used(ready: Project) -> None:
    (ready.path / "serve").unlink()  # and `create` alone, which is still there, is of another version
    for version in ("9.6", "15", "16"):
        executable(ready.system / DATABASE / version / "bin" / "create", version)
    for version in ("9.6", "15"):
        executable(ready.system / DATABASE / version / "bin" / "serve", version)
    ready.provide_app()
    assert (ready.answer("create"), ready.answer("serve")) == ("15", "15")


def test_file_without_execute_permission_is_no_program(ready: Project) -> None:
    (ready.path / "serve").chmod(0o644)
    assert "The database" in error_of(ready).message


def test_users_own_path_is_used(ready: Project) -> None:
    ready.provide_app_tests()
    chosen = ready.folder / "opt" / "my-browser"
    executable(chosen, "chosen")
    ready.environment["BROWSER"] = str(chosen)
    ready.provide_app_tests()
    assert (ready.layout.bin / "browser").readlink() == chosen


def test_choice_that_is_no_program_is_an_error(ready: Project) -> None:
    ready.environment["BROWSER"] = "/nowhere/browser"
    assert error_of(ready).hint == "unset BROWSER"


# apt-get


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def clause(project: Project, package: str, *names: str) -> str:
    """What makes apt-get install executables of these names with the package."""
    folder = project.system / DATABASE / "15" / "bin"
    paths = " ".join(f"'{folder / name}'" for name in names)
    return f"*install*' {package}'*) mkdir -p '{folder}'; for f in {paths}; do cp '{project.path}/node' $f; done ;;"


COMMON = "*' postgresql-common') mkdir -p '{system}/etc/postgresql-common'; echo '# as it comes' > '{conf}' ;;"


@pytest.mark.usefixtures("as_root")
def test_apt_installs_without_starting_services(ready: Project) -> None:
    conf = ready.system / "etc" / "postgresql-common" / "createcluster.conf"
    for name in ("create", "serve"):
        (ready.path / name).unlink()
    ready.apt.install(
        f"{COMMON.format(system=ready.system, conf=conf)}\n{clause(ready, 'postgresql', 'create', 'serve')}"
    )
    ready.provide_app()
    install = "noninteractive: install --yes --no-install-recommends"
    assert ready.apt.calls() == [
        "noninteractive: update |",
        f"{install} postgresql-common |",
        f"{install} postgresql | exit 101 create_main_cluster = off",
    ]
    assert conf.read_text() == "# as it comes\n"
    assert not (ready.system / "usr" / "sbin" / "policy-rc.d").exists()
    assert (ready.layout.bin / "serve").exists()


@pytest.mark.usefixtures("as_root")
def test_failed_apt_restores_the_system(ready: Project) -> None:
    (ready.path / "browser").unlink()
    ready.apt.install("*' browser') echo 'E: Unable to locate package browser'; exit 100 ;;")
    policy = ready.system / "usr" / "sbin" / "policy-rc.d"
    executable(policy, "the user's")
    policy.chmod(0o744)
    before = (policy.read_text(), policy.stat().st_mode)
    assert "apt-get install" in error_of(ready).message
    assert ready.said[-1] == "  E: Unable to locate package browser"
    assert (policy.read_text(), policy.stat().st_mode) == before


@pytest.mark.usefixtures("as_root")
def test_package_without_its_programs_is_an_error(ready: Project) -> None:
    (ready.path / "browser").unlink()
    ready.apt.install("*) ;;")
    with pytest.raises(UserError, match="The browser is not installed"):
        ready.provide_app_tests()


@pytest.mark.parametrize("user", [0, 1000], ids=["nothing missing", "not root"])
def test_apt_is_not_used(ready: Project, monkeypatch: pytest.MonkeyPatch, user: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    ready.apt.install("*) ;;")
    if user == 0:
        ready.provide_app_tests()
    else:
        (ready.path / "browser").unlink()
        assert re.search("install (browser|web)", str(error_of(ready).hint))
    assert ready.apt.calls() == []


# Jars


def test_forged_jar_is_an_error(ready: Project, publisher: Publisher) -> None:
    publisher.files["/maven2/org/broker/1/broker-1.jar"] = b"forged"
    assert hashlib.sha256(b"forged").hexdigest() in error_of(ready).message
    assert ready.cached() == {"sidecar"}


def test_unreachable_repository_is_an_error(ready: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        site = f"http://127.0.0.1:{unused.getsockname()[1]}"
    (broker,) = ready.pins.app_tests.jars
    app_tests = replace(ready.pins.app_tests, jars=(replace(broker, repository=site),))
    ready.pins = replace(ready.pins, app_tests=app_tests)
    assert site in error_of(ready).message


def test_changed_lock_of_jars_is_downloaded(ready: Project, publisher: Publisher) -> None:
    ready.provide_app_tests()
    lock_jar(ready, publisher, "org/broker/2/broker-2.jar")
    ready.provide_app_tests()
    assert [path.name for path in (ready.layout.provided / "broker").iterdir()] == ["broker-2.jar"]
