"""`recover` on the real engine and a real cluster; the next update succeeds."""

import time
from collections.abc import Mapping, Sequence

import pytest

from tests.support.project import CANARIES, Project

pytestmark = pytest.mark.integration

FRONTEND = "ghcr.io/example/todo-frontend"
RELEASE = "urn:pulumi:local::todo-oke::todo:app:AppRelease$kubernetes:helm.sh/v3:Release::todo-app"
SECONDS = 120


def test_update_killed_during_a_release_is_repaired(deployed: Project) -> None:
    before = pods(deployed)
    deployed.configure(frontendImage=f"{FRONTEND}:missing")
    update = deployed.start("pulumi", "up", "--yes", "--skip-preview")
    wait_for(deployed, status="pending-upgrade")
    update.kill()
    update.communicate()

    preview = deployed.run("pulumi", "preview")
    assert preview.code != 0
    assert "The release todo-app is in the middle of an upgrade since " in preview.text
    assert "python -m delivery recover --stack local" in preview.text
    assert "hint: python -m delivery recover --stack local --yes" in recover(deployed, code=1)

    locked, orphan, unfinished, interrupted = problems(recover(deployed, "--yes"))

    assert f"(pid {update.pid}) since " in locked
    assert "provider of a killed update still runs" in orphan
    assert "Release todo-app (namespace default) is in the middle of an upgrade (revision " in unfinished
    assert interrupted == "updating kubernetes:helm.sh/v3:Release::todo-app was interrupted."
    assert deployed.helm_history()[-1]["status"] == "deployed"
    assert pods(deployed) == before
    assert recover(deployed) == "Nothing is stuck.\n"

    deployed.configure(frontendImage=f"{FRONTEND}:sha-1111111")
    deployed.up()
    assert set(deployed.pods("frontend").values()) == {f"{FRONTEND}:sha-1111111"}


def test_uninstalled_release_is_installed_again(deployed: Project) -> None:
    deployed.do("helm", "uninstall", "todo-app", "--wait")

    (missing,) = problems(recover(deployed, "--yes"))

    assert missing == "Release todo-app (namespace default) is in the state and not in the cluster."
    deployed.up()
    assert set(deployed.pods("frontend").values()) == {f"{FRONTEND}:sha-0000000"}


def test_release_that_the_state_lost_is_imported_with_its_pods(deployed: Project) -> None:
    before = pods(deployed)
    deployed.do("pulumi", "state", "delete", "--yes", RELEASE)

    (unknown,) = problems(recover(deployed, "--yes"))

    assert unknown == "Release todo-app (namespace default) is in the cluster and not in the state."
    deployed.up()
    deployed.up("--expect-no-changes")
    assert pods(deployed) == before


def test_unreadable_state_is_reported(deployed: Project) -> None:
    file = deployed.state / ".pulumi/stacks/todo-oke/local.json"
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])

    try:
        said = recover(deployed, "--yes", code=1)
    finally:
        file.write_text(whole)

    assert "failed to load checkpoint" in said
    assert said.endswith("\nhint: make down\n")
    deployed.up("--expect-no-changes")


def recover(project: Project, *arguments: str, code: int = 0) -> str:
    outcome = project.run("python", "-m", "delivery", "recover", "--stack", "local", *arguments)
    assert outcome.code == code, outcome.text
    assert [canary for canary in CANARIES.values() if canary in outcome.text] == []
    return outcome.text


def problems(printed: str) -> Sequence[str]:
    """The problems that `recover` repaired, in order."""
    assert printed.endswith("Nothing is stuck.\nhint: pulumi up --stack local\n")
    return [line.partition(" ")[2].strip() for line in printed.splitlines() if line.startswith("problem ")]


def pods(project: Project) -> Mapping[str, str]:
    return {**project.pods("backend"), **project.pods("frontend")}


def wait_for(project: Project, *, status: str) -> None:
    """Wait until Helm has a revision of the release in a status."""
    deadline = time.monotonic() + SECONDS
    while not project.get("secrets", "--selector", f"owner=helm,name=todo-app,status={status}")["items"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
