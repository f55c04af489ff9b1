"""What the app and its tests need: the packages that they lock, the system's programs, the sidecar and the broker."""

import hashlib
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.toolchain.project import Project, make_project
from tests.support.toolchain.publisher import Publisher
from tests.support.toolchain.stand_ins import executable
from tools.toolchain.errors import BootstrapError

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


def error_of(project: Project) -> str:
    with pytest.raises(BootstrapError) as error:
        project.provide_app_tests()
    assert not project.layout.provided.exists()
    return str(error.value)


def test_the_app_gets_its_packages_and_its_programs_and_no_more(ready: Project) -> None:
    ready.provide_app()
    assert ready.npm.calls() == [f"{ready.layout.frontend}: ci --no-audit --no-fund"]
    assert {path.name: path.readlink() for path in ready.layout.bin.iterdir()} == {
        name: ready.path / name for name in ("create", "serve")
    }
    assert not (ready.layout.provided / "broker").exists()


def test_its_tests_get_the_sidecar_and_the_broker_too(ready: Project) -> None:
    ready.provide_app_tests()
    assert {path.name for path in ready.layout.bin.iterdir()} == {"create", "serve", "browser", "sidecar"}
    assert ready.answer("sidecar") == "built"
    assert [path.name for path in (ready.layout.provided / "broker").iterdir()] == ["broker-1.jar"]
    assert (ready.layout.provided / "broker" / "broker-1.jar").read_bytes() == JAR


def test_a_module_is_built_with_its_tags(ready: Project) -> None:
    ready.provide_app_tests()
    (call,) = ready.go.calls("build")
    assert call.arguments[call.arguments.index("-tags") + 1] == "small,quiet"


def test_other_tags_make_another_executable(ready: Project) -> None:
    ready.provide_app_tests()
    (sidecar,) = ready.pins.app_tests.tools
    large = replace(sidecar, module=replace(sidecar.module, tags=("large",)))
    ready.pins = replace(ready.pins, app_tests=replace(ready.pins.app_tests, tools=(large,)))
    ready.provide_app_tests()
    assert [call.arguments[call.arguments.index("-tags") + 1] for call in ready.go.calls("build")] == [
        "small,quiet",
        "large",
    ]


def test_a_second_run_does_nothing(ready: Project) -> None:
    ready.provide_app_tests()
    ready.go.uninstall()
    del ready.said[:]
    ready.provide_app_tests()
    assert ready.said == [f"the app's programs are ready in {ready.layout.bin}"]


def test_the_delivery_and_the_app_leave_each_others_tools_alone(ready: Project) -> None:
    ready.provide_app_tests()
    ready.provide()
    ready.provide_app()
    names = {path.name for path in ready.layout.bin.iterdir()}
    assert names >= {"create", "serve", "browser", "sidecar", "served", "engine"}
    del ready.said[:]
    ready.provide_app_tests()
    ready.provide()
    ready.provide_app()
    app, toolchain = (
        f"the app's programs are ready in {ready.layout.bin}",
        f"the toolchain is ready in {ready.layout.bin}",
    )
    assert ready.said == [app, toolchain, app]


@pytest.mark.parametrize(
    "lost", ["path/browser", "home/.cache/todo-oke/tools", "project/.tools/broker", "project/frontend/node_modules"]
)
def test_what_got_lost_is_noticed(ready: Project, lost: str) -> None:
    ready.provide_app_tests()
    (ready.folder / lost).rename(ready.folder / "elsewhere")
    executable(ready.path / "browser-beta", "installed")
    ready.provide_app_tests()
    assert (ready.layout.bin / "browser").exists()
    assert (ready.layout.provided / "broker" / "broker-1.jar").exists()
    assert (ready.layout.frontend / "node_modules").exists()


# The packages that the app locks


def test_node_packages_are_installed_anew_when_their_lock_changes(ready: Project) -> None:
    ready.provide_app()
    (ready.layout.frontend / "package-lock.json").write_text('{"packages": {}}')
    ready.provide_app()
    assert len(ready.npm.calls()) == 2


@pytest.mark.parametrize("versions", [("v22.1.0", "10.8.2"), ("v20.20.2", "11.0.0")])
def test_node_packages_are_installed_anew_for_another_node_or_npm(ready: Project, versions: tuple[str, str]) -> None:
    ready.provide_app()
    ready.npm.install(*versions)
    ready.provide_app()
    assert len(ready.npm.calls()) == 2


def test_node_packages_are_not_installed_anew_for_anything_else(ready: Project) -> None:
    ready.provide_app()
    executable(ready.path / "create", "a newer one")
    ready.provide_app()
    assert len(ready.npm.calls()) == 1


def test_a_failed_installation_shows_the_end_of_its_output_and_is_not_done(ready: Project) -> None:
    ready.npm.install(then="echo 'npm error EINTEGRITY'; exit 1")
    assert error_of(ready) == ("`npm ci --no-audit --no-fund …` failed: mend what it says above, and run this again.")
    assert ready.said[-1] == "  npm error EINTEGRITY"
    ready.npm.install()
    ready.provide_app()
    assert len(ready.npm.calls()) == 2


@pytest.mark.parametrize("name", ["backend/requirements-dev.txt", "frontend/package-lock.json"])
def test_a_missing_lock_is_named(ready: Project, name: str) -> None:
    path = ready.layout.root / name
    path.unlink()
    assert error_of(ready) == f"{path} is missing: put it back (git checkout -- {path})."


# Node


@pytest.mark.parametrize(
    ("node", "found"),
    [("v18.20.1", "{path} is 18"), ("v9.9.9", "{path} is 9"), ("broken", "there is none on PATH that works")],
)
def test_a_node_that_will_not_do(ready: Project, node: str, found: str) -> None:
    ready.npm.install(node=node)
    where = found.format(path=ready.path / "node")
    assert error_of(ready) == f"Node 20 or newer is needed, and {where}: install Node."


@pytest.mark.parametrize("node", ["v20.0.0", "v100.1.0", "20"])
def test_a_node_that_will_do(ready: Project, node: str) -> None:
    ready.npm.install(node=node)
    ready.provide_app()


def test_a_node_that_fails_is_none(ready: Project) -> None:
    (ready.path / "node").write_text("#!/bin/sh\necho v20.0.0\nexit 1\n")
    assert error_of(ready) == "Node 20 or newer is needed, and there is none on PATH that works: install Node."


def test_a_node_that_is_missing_and_everything_else(ready: Project) -> None:
    (ready.path / "node").unlink()
    for name in ("serve", "browser"):
        (ready.path / name).unlink()
    ready.go.uninstall()
    assert error_of(ready).splitlines() == [
        "Node 20 or newer is needed, and there is none on PATH that works: install Node.",
        "The database is missing: install it "
        "(Debian and Ubuntu: sudo apt-get install postgresql; macOS: brew install db).",
        "The browser is missing: install it "
        "(Debian and Ubuntu: sudo apt-get install browser; macOS: brew install web).",
        "sidecar must be built here, which takes Go 1.26 or newer, and there is none on PATH that works: "
        "install it from https://go.dev/dl/.",
    ]
    assert ready.npm.calls() == []


# The system's programs


def test_programs_beside_path_are_the_newest_that_are_complete(ready: Project) -> None:
    (ready.path / "serve").unlink()  # and `create` alone, which is still there, is of another version
    for version in ("9.6", "15", "16"):
        executable(ready.system / DATABASE / version / "bin" / "create", version)
    for version in ("9.6", "15"):
        executable(ready.system / DATABASE / version / "bin" / "serve", version)
    ready.provide_app()
    assert (ready.answer("create"), ready.answer("serve")) == ("15", "15")


def test_a_file_that_cannot_be_run_is_no_program(ready: Project) -> None:
    (ready.path / "serve").chmod(0o644)
    assert error_of(ready).startswith("The database is missing")


def test_a_program_may_have_another_name(ready: Project) -> None:
    (ready.path / "browser").rename(ready.path / "browser-beta")
    ready.provide_app_tests()
    assert (ready.layout.bin / "browser").readlink() == ready.path / "browser-beta"


def test_the_users_own_choice_is_used_as_soon_as_there_is_one(ready: Project) -> None:
    ready.provide_app_tests()
    chosen = ready.folder / "opt" / "my-browser"
    executable(chosen, "chosen")
    ready.environment["BROWSER"] = str(chosen)
    ready.provide_app_tests()
    assert (ready.layout.bin / "browser").readlink() == chosen


def test_a_choice_that_is_no_program_is_an_error(ready: Project) -> None:
    ready.environment["BROWSER"] = "/nowhere/browser"
    assert error_of(ready) == "BROWSER names /nowhere/browser, which is no program: correct it, or unset it."


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
def test_what_is_missing_is_installed_without_its_services(ready: Project) -> None:
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
def test_a_failed_installation_of_packages_leaves_the_system_as_it_was(ready: Project) -> None:
    (ready.path / "browser").unlink()
    ready.apt.install("*' browser') echo 'E: Unable to locate package browser'; exit 100 ;;")
    policy = ready.system / "usr" / "sbin" / "policy-rc.d"
    executable(policy, "the user's")
    policy.chmod(0o744)
    before = (policy.read_text(), policy.stat().st_mode)
    assert error_of(ready) == (
        f"`{ready.path / 'apt-get'} install --yes --no-install-recommends …` failed: "
        "mend what it says above, and run this again."
    )
    assert ready.said[-1] == "  E: Unable to locate package browser"
    assert (policy.read_text(), policy.stat().st_mode) == before


@pytest.mark.usefixtures("as_root")
def test_a_package_without_its_programs_is_an_error(ready: Project) -> None:
    (ready.path / "browser").unlink()
    ready.apt.install("*) ;;")
    with pytest.raises(BootstrapError, match=r"^The browser is missing: install it \("):
        ready.provide_app_tests()


@pytest.mark.usefixtures("as_root")
def test_nothing_is_installed_where_nothing_is_missing(ready: Project) -> None:
    ready.apt.install("*) ;;")
    ready.provide_app_tests()
    assert ready.apt.calls() == []


def test_nobody_but_root_installs(ready: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (ready.path / "browser").unlink()
    ready.apt.install("*) ;;")
    assert error_of(ready).startswith("The browser is missing: install it")
    assert ready.apt.calls() == []


# Jars


def test_a_jar_that_is_not_the_locked_one_is_an_error_and_leaves_nothing(ready: Project, publisher: Publisher) -> None:
    publisher.files["/maven2/org/broker/1/broker-1.jar"] = b"forged"
    assert f"broker-1.jar has the SHA-256 {hashlib.sha256(b'forged').hexdigest()} and not the published" in error_of(
        ready
    )
    assert ready.cached() == {"sidecar"}


def test_a_repository_that_cannot_be_reached_is_an_error(ready: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        site = f"http://127.0.0.1:{unused.getsockname()[1]}"
    (broker,) = ready.pins.app_tests.jars
    app_tests = replace(ready.pins.app_tests, jars=(replace(broker, repository=site),))
    ready.pins = replace(ready.pins, app_tests=app_tests)
    assert error_of(ready) == f"broker is to be had from {site} alone: make it reachable, and run this again."


def test_a_changed_lock_is_downloaded(ready: Project, publisher: Publisher) -> None:
    ready.provide_app_tests()
    lock_jar(ready, publisher, "org/broker/2/broker-2.jar")
    ready.provide_app_tests()
    assert [path.name for path in (ready.layout.provided / "broker").iterdir()] == ["broker-2.jar"]


def test_the_cache_serves_another_checkout(ready: Project, empty_venv: Path, publisher: Publisher) -> None:
    ready.provide_app_tests()
    other = make_project(ready.folder / "other", "http://127.0.0.1:9", empty_venv)
    (other.folder / "home").symlink_to(ready.folder / "home")
    for name in ("create", "serve", "browser"):
        executable(other.path / name, "installed")
    other.npm.install()
    lock_jar(other, publisher, "org/broker/1/broker-1.jar")
    other.provide_app_tests()
    assert (other.layout.provided / "broker" / "broker-1.jar").read_bytes() == JAR
    assert other.answer("sidecar") == "built"
