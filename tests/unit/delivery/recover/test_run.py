"""A stack that is stuck: what is told of it, what mends it, in which order, and what is refused."""

import io
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from delivery.__main__ import main
from tests.support import example
from tests.support.api_server import ApiServer
from tests.support.stuck_stack import BASE, COMPONENT, PROVIDER, RECORDS, RELEASE, RELEASED, STACK, USER, StuckStack

LOCKED = (
    "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the "
    "lock file with `pulumi cancel`.\n  s3://todo-state/.pulumi/locks/organization/todo-oke/oke/5e.json: created by "
    f"{USER}@" + "{host} (pid {pid}) at 2026-11-24T02:31:41Z\n"
)
FREE = "error: a stack named oke already exists"
SINCE = "since 2026-11-24 02:31:41 UTC"
NEVER = 2**22 + 1  # above the highest number that Linux gives a process
SECRET = {
    "urn": "urn:pulumi:oke::todo-oke::kubernetes:core/v1:Secret::app-secrets",
    "type": "kubernetes:core/v1:Secret",
    "inputs": {"metadata": {"name": "app-secrets"}},
}
POOL = {
    "urn": "urn:pulumi:oke::todo-oke::oci:ContainerEngine/nodePool:NodePool::workers",
    "type": "oci:ContainerEngine/nodePool:NodePool",
    "parent": "urn:pulumi:oke::todo-oke::todo:cluster:OkeCluster::cluster",
    "provider": "urn:pulumi:oke::todo-oke::pulumi:providers:oci::region::5e",
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def stack(tmp_path: Path, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> StuckStack:
    return StuckStack(tmp_path / "engine", api_server, monkeypatch)


def mended(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["recover", *(arguments or ["--yes"])]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["recover", *arguments]) == 1
    shown = capsys.readouterr()
    assert "Nothing is stuck" not in shown.out
    return shown.out + shown.err


def test_a_stack_of_which_nothing_is_stuck_is_not_written(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mended(capsys, "--stack", "oke") == "Nothing is stuck.\n"
    assert stack.changes == []


def test_the_lock_of_a_killed_update_is_told_and_taken_away(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.is_locked(LOCKED.format(host=socket.gethostname(), pid=NEVER))
    stack.is_locked(FREE, by="cancel")

    told = mended(capsys)

    assert told.startswith(
        f"stuck Stack oke is locked by {USER}@{socket.gethostname()} (pid {NEVER}) since 2026-11-24T02:31:41Z.\n"
        "why   That process is gone: the update was killed.\n"
    )
    assert "by    pulumi cancel --yes oke\n" in told
    assert told.endswith("done\n\nNothing is stuck.\n    pulumi up --stack oke   goes on from here\n")
    assert stack.changes == ["pulumi cancel --yes oke --color never --non-interactive"]


def test_the_lock_of_an_update_that_runs_here_is_left_alone(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    update = stack.start_update()
    try:
        stack.is_locked(LOCKED.format(host=socket.gethostname(), pid=update.pid))
        told = refused(capsys, "--yes")
    finally:
        update.communicate(b"\n")

    assert f"An update of stack oke is running: {USER}@{socket.gethostname()} (pid {update.pid}) since " in told
    assert "wait for it, or press Ctrl-C" in told
    assert stack.changes == ["pulumi hold"]


def test_a_number_that_another_process_has_by_now_is_no_running_update(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.is_locked(LOCKED.format(host=socket.gethostname(), pid=1))
    stack.is_locked(FREE, by="cancel")

    assert "That process is gone" in mended(capsys)


def test_a_lock_from_another_machine_may_be_of_an_update_that_runs(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.is_locked(LOCKED.format(host="runner-5", pid=NEVER))

    told = refused(capsys)

    assert f"Stack oke is locked by {USER}@runner-5" in told
    assert "Either that update still runs, or it was killed. This machine cannot tell" in told
    assert "There is nobody here to ask" in told
    assert "Somebody has to look first, so --yes is not enough" in refused(capsys, "--yes")
    assert "look whether that update still runs, where it was begun" in told
    assert stack.changes == []


def test_an_update_in_pulumi_cloud_names_who_began_it(stack: StuckStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.is_in_pulumi_cloud(kind="update", author="ann", started="2026-11-24T02:31:41.000Z")

    told = refused(capsys)

    assert "Stack oke is locked by ann since 2026-11-24T02:31:41.000Z" in told
    stack.is_in_pulumi_cloud()
    assert mended(capsys) == "Nothing is stuck.\n"
    assert stack.changes == []


def test_a_lock_that_cannot_be_asked_for_is_an_error(stack: StuckStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.is_locked("error: AccessDenied")

    assert "Nobody could be asked whether stack oke is locked:\nerror: AccessDenied" in refused(capsys, "--yes")


@pytest.mark.parametrize("status", ["pending-upgrade", "pending-rollback"])
def test_a_killed_upgrade_goes_back_to_the_revision_that_runs(
    stack: StuckStack, capsys: pytest.CaptureFixture[str], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "canary-passphrase")
    monkeypatch.setenv("OCI_CLI_KEY_CONTENT", "signs-the-token")
    stack.has_revisions("superseded", "deployed", "failed", status)
    stack.has_revisions("superseded", "superseded", "failed", status, "deployed", by="helm")

    told = mended(capsys)

    doing = "an upgrade" if status == "pending-upgrade" else "a rollback"
    assert f"Release todo-app (namespace todo) is in the middle of {doing} (revision 4, {status}) {SINCE}." in told
    assert stack.changes == ["helm rollback todo-app 2 --namespace todo --wait --timeout 120s --kube-context example"]
    assert stack.seen_by_helm["mode"].strip() == "-rw-------"
    assert "canary-token" in stack.seen_by_helm["kubeconfig"]
    assert example.CANARY not in told + stack.seen_by_helm["environment"]
    assert "OCI_CLI_KEY_CONTENT=signs-the-token\n" in stack.seen_by_helm["environment"]  # its kubeconfig needs it


@pytest.fixture
def leave_provider(
    stack: StuckStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Leaves a provider behind that was started in the working folder, while Helm was in the middle of an upgrade."""
    monkeypatch.chdir(tmp_path)
    stack.has_revisions("deployed", "pending-upgrade")
    stack.has_revisions("deployed", by="helm")
    with ExitStack() as running:

        def leave(engine: str, *options: str) -> subprocess.Popen[bytes]:
            provider = stack.leave_provider(engine, *options)
            reaper = threading.Thread(target=provider.wait)  # as its parent would be, were it not gone
            reaper.start()
            running.callback(reaper.join)
            running.callback(provider.kill)
            return provider

        yield leave


def test_the_provider_of_a_killed_update_is_ended_before_helm_is_asked(
    leave_provider: Callable[[str], subprocess.Popen[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    provider = leave_provider("127.0.0.1:9")

    told = mended(capsys)

    assert f"stuck The Kubernetes provider of a killed update still runs, and Helm in it (pid {provider.pid})." in told
    assert told.index("provider") < told.index("is in the middle of")
    assert provider.wait(timeout=10) == -signal.SIGTERM


def test_a_provider_whose_engine_answers_or_that_is_of_another_project_is_left_alone(
    leave_provider: Callable[[str], subprocess.Popen[bytes]],
    api_server: ApiServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    running, elsewhere = leave_provider(api_server.url.removeprefix("http://")), leave_provider("127.0.0.1:9")
    assert "The Kubernetes provider" in refused(capsys)
    elsewhere.kill()
    elsewhere.wait()
    project = Path.cwd()
    monkeypatch.chdir(tmp_path_factory.mktemp("another"))
    stranger = leave_provider("127.0.0.1:9")
    monkeypatch.chdir(project)

    assert mended(capsys).count("stuck ") == 1
    assert (running.returncode, stranger.returncode) == (None, None)


def test_the_provider_of_a_full_rollback_or_of_an_engine_that_logs_is_ended_too(
    leave_provider: Callable[..., subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checkout = Path(".local/rollback/checkout")
    checkout.mkdir(parents=True)
    project = Path.cwd()
    monkeypatch.chdir(checkout)
    provider = leave_provider("127.0.0.1:9", "-u")
    monkeypatch.chdir(project)

    assert "The Kubernetes provider" in mended(capsys)
    assert provider.wait(timeout=10) == -signal.SIGTERM


def test_without_a_deployed_revision_the_last_that_once_was_is_gone_back_to(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.has_revisions("superseded", "superseded", "pending-upgrade")
    stack.has_revisions("deployed", by="helm")

    mended(capsys)

    assert stack.changes[0].startswith("helm rollback todo-app 2 ")


@pytest.mark.parametrize(
    "statuses", [["pending-install"], ["failed", "pending-upgrade"], ["uninstalling"], ["deployed", "uninstalled"]]
)
def test_what_was_never_deployed_or_is_half_uninstalled_is_uninstalled(
    stack: StuckStack, capsys: pytest.CaptureFixture[str], statuses: list[str]
) -> None:
    stack.has_state([*BASE], ("creating", RELEASED))
    stack.has_revisions(*statuses)
    stack.has_revisions(by="helm")
    stack.has_state([*BASE], by="helm")

    mended(capsys)

    assert stack.changes == ["helm uninstall todo-app --namespace todo --wait --timeout 120s --kube-context example"]


def test_a_first_install_that_was_cut_off_is_found_though_neither_state_nor_preview_tell_of_it(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.has_state([*BASE])
    stack.has_revisions("pending-install")
    stack.has_revisions(by="helm")

    mended(capsys)

    assert stack.changes == ["helm uninstall todo-app --namespace todo --wait --timeout 300s --kube-context example"]


def test_a_revision_that_stayed_pending_before_a_deployed_one_is_history(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.has_revisions("deployed", "pending-upgrade", "deployed")

    assert mended(capsys) == "Nothing is stuck.\n"


def test_an_interrupted_update_is_ended_by_a_look_at_these_resources_alone(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.has_state([*BASE, RELEASED, SECRET], ("updating", RELEASED), ("deleting", SECRET))
    stack.has_state([*BASE, RELEASED], by="refresh")

    told = mended(capsys)

    assert "stuck updating kubernetes:helm.sh/v3:Release::todo-app was interrupted.\n" in told
    assert "stuck deleting kubernetes:core/v1:Secret::app-secrets was interrupted.\n" in told
    assert stack.changes == [
        f"pulumi refresh --yes --skip-preview --stack oke --target {RELEASE} --target {SECRET['urn']} "
        "--color never --non-interactive"
    ]


OF_GITHUB = {
    **SECRET,
    "type": "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret",
    "urn": "urn:pulumi:oke::todo-oke::github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret::app-secrets",
}


@pytest.mark.parametrize("resource", [SECRET, OF_GITHUB])
def test_an_interrupted_creation_is_forgotten_and_what_becomes_of_the_object_is_told(
    stack: StuckStack, capsys: pytest.CaptureFixture[str], resource: dict[str, Any]
) -> None:
    stack.has_state([*BASE], ("creating", resource))
    stack.has_state([*BASE], by="refresh")

    told = mended(capsys)

    assert (
        "Secret::app-secrets: the creation is forgotten; the next update makes it, or takes over what is there." in told
    )
    assert stack.changes == [
        f"pulumi refresh --yes --skip-preview --stack oke --clear-pending-creates --target {STACK} "
        "--color never --non-interactive"
    ]


AUTONAMED = {**SECRET, "inputs": {"metadata": {"annotations": {"pulumi.com/autonamed": "true"}}}}


@pytest.mark.parametrize("resource", [POOL, AUTONAMED])
def test_what_may_be_there_twice_is_for_a_person_to_look_at(
    stack: StuckStack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, resource: dict[str, Any]
) -> None:
    stack.has_state([*BASE], ("creating", resource))
    stack.has_state([*BASE], by="refresh")

    told = refused(capsys, "--yes")

    assert f"pulumi import {resource['type']} {resource['urn'].rpartition('::')[2]} ID --parent parent=" in told
    assert "Somebody has to look first" in told
    assert stack.changes == []
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert "Have you looked, and is it to be done?" in mended(capsys, "--stack", "oke")


def test_a_release_that_somebody_uninstalled_is_forgotten(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.has_revisions()
    stack.has_state([*BASE], by="refresh")

    told = mended(capsys)

    assert "Release todo-app (namespace todo) is in the state and not in the cluster.\n" in told
    assert stack.changes == [
        f"pulumi refresh --yes --skip-preview --stack oke --target {RELEASE} --color never --non-interactive"
    ]


def test_a_release_that_the_state_lost_is_taken_over(stack: StuckStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.has_state([*BASE])
    stack.plans(RELEASED)
    stack.plans(by="import")

    told = mended(capsys)

    assert "Release todo-app (namespace todo) is in the cluster and not in the state.\n" in told
    assert stack.changes == [
        "pulumi import kubernetes:helm.sh/v3:Release todo-app todo/todo-app --stack oke "
        f"--parent parent={COMPONENT} --provider provider={PROVIDER} --protect=false --generate-code=false --yes "
        "--skip-preview --color never --non-interactive"
    ]


def test_a_first_release_is_not_stuck(stack: StuckStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.has_state([*BASE])
    stack.has_revisions()
    stack.plans(RELEASED)

    assert mended(capsys) == "Nothing is stuck.\n"


def test_what_the_state_has_no_way_to_is_not_asked(stack: StuckStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.has_state(BASE[:1])
    stack.plans(RELEASED)

    assert mended(capsys) == "Nothing is stuck.\n"


def test_a_release_without_its_component_waits_for_an_update(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.has_state(BASE[:2])
    stack.plans(RELEASED)

    told = refused(capsys, "--yes")

    assert "the state has neither it nor what it is part of.\n    pulumi up --stack oke " in told
    assert stack.changes == []


def test_one_thing_hides_the_next(stack: StuckStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.is_locked(LOCKED.format(host=socket.gethostname(), pid=NEVER))
    stack.is_locked(FREE, by="cancel")
    stack.has_state([*BASE], ("creating", RELEASED))
    stack.has_revisions("deployed", "pending-upgrade")
    stack.has_revisions("superseded", "pending-upgrade", "deployed", by="helm")
    stack.has_state([*BASE], by="refresh")
    stack.plans(RELEASED)
    stack.plans(by="import")

    told = mended(capsys)

    stuck = [line.removeprefix("stuck ") for line in told.splitlines() if line.startswith("stuck ")]
    assert [line.split(" is ")[-1].split(" was ")[-1].split(" by ")[0].split(" of ")[0] for line in stuck] == [
        "locked",
        "in the middle",
        "interrupted.",
        "in the cluster and not in the state.",
    ]


def test_each_thing_is_asked_for_once_and_no_is_an_answer(
    stack: StuckStack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.is_locked(LOCKED.format(host="runner-5", pid=NEVER))
    stack.is_locked(FREE, by="cancel")
    stack.has_revisions()
    stack.has_state([*BASE], by="refresh")

    for answers, changes in [("", 0), ("n\n", 0), ("y\n\n", 1), ("yes\n", 2)]:
        monkeypatch.setattr("sys.stdin", Terminal(answers))
        if changes < 2:
            assert "Nothing was done about it." in refused(capsys)
        else:
            assert mended(capsys, "--stack", "oke").count("Is it to be done? [y/N]") == 1
        assert len(stack.changes) == changes


def test_a_command_that_fails_ends_it_with_what_it_said(stack: StuckStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.has_revisions()
    stack.fails_with("error: no such resource")

    told = refused(capsys, "--yes")

    assert "` failed:\nerror: no such resource" in told
    assert len(stack.changes) == 1


def test_what_is_stuck_again_is_not_mended_for_ever(stack: StuckStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.has_revisions()

    assert "That is so again after it was mended" in refused(capsys, "--yes")
    assert len(stack.changes) == 1


@pytest.mark.usefixtures("stack")
def test_a_cluster_that_refuses_is_told_without_a_secret(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    api_server.answers = {}
    api_server.refuses(RECORDS, HTTPStatus.FORBIDDEN, "secrets is forbidden")

    told = refused(capsys, "--yes")

    assert "rejected the request (403) of context 'example'" in told
    assert example.CANARY not in told


def test_a_kubeconfig_that_leads_nowhere_is_told_without_it(
    stack: StuckStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.is_reached_by("users: [{user: {token: canary-token}}]\n")

    told = refused(capsys, "--yes")

    assert "The kubeconfig in the state of stack oke is of no use: it names no clusters or no contexts" in told
    assert example.CANARY not in told
