"""A stack that is stuck on the real engine and a real cluster: `recover`, and the next update is as any other."""

import time
from collections.abc import Mapping, Sequence

import pytest

from tests.support.project import CANARIES, Project

pytestmark = pytest.mark.integration

FRONTEND = "ghcr.io/example/todo-frontend"
RELEASE = "urn:pulumi:local::todo-oke::todo:release:AppRelease$kubernetes:helm.sh/v3:Release::todo-app"
SECONDS = 120


def test_an_update_that_was_killed_in_the_middle_of_a_release(deployed: Project) -> None:
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
    assert "There is nobody here to ask" in recover(deployed, code=1)

    told = recover(deployed, "--yes")

    locked, left, begun, interrupted = stuck(told)
    assert f"(pid {update.pid}) since " in locked
    assert "provider of a killed update still runs" in left
    assert "Release todo-app (namespace default) is in the middle of an upgrade (revision " in begun
    assert interrupted == "updating kubernetes:helm.sh/v3:Release::todo-app was interrupted."
    assert deployed.helm_history()[-1]["status"] == "deployed"
    assert pods(deployed) == before
    assert recover(deployed) == "Nothing is stuck.\n"

    deployed.configure(frontendImage=f"{FRONTEND}:sha-1111111")
    deployed.up()
    assert set(deployed.pods("frontend").values()) == {f"{FRONTEND}:sha-1111111"}


def test_a_release_that_somebody_uninstalled_is_installed_again(deployed: Project) -> None:
    deployed.do("helm", "uninstall", "todo-app", "--wait")

    (missing,) = stuck(recover(deployed, "--yes"))

    assert missing == "Release todo-app (namespace default) is in the state and not in the cluster."
    deployed.up()
    assert set(deployed.pods("frontend").values()) == {f"{FRONTEND}:sha-0000000"}


def test_a_release_that_the_state_lost_is_taken_over_with_its_pods(deployed: Project) -> None:
    before = pods(deployed)
    deployed.do("pulumi", "state", "delete", "--yes", RELEASE)

    (unknown,) = stuck(recover(deployed, "--yes"))

    assert unknown == "Release todo-app (namespace default) is in the cluster and not in the state."
    deployed.up()
    deployed.up("--expect-no-changes")
    assert pods(deployed) == before


def test_a_state_that_a_full_disk_cut_short_is_that_of_the_last_update_again(deployed: Project) -> None:
    file = deployed.state / ".pulumi/stacks/todo-oke/local.json"
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])

    (damaged,) = stuck(recover(deployed, "--yes"))

    assert damaged == f"The state of stack local cannot be read: {file} ({len(whole) // 2} bytes)."
    deployed.up("--expect-no-changes")


def recover(project: Project, *arguments: str, code: int = 0) -> str:
    outcome = project.run("python", "-m", "delivery", "recover", "--stack", "local", *arguments)
    assert outcome.code == code, outcome.text
    assert [canary for canary in CANARIES.values() if canary in outcome.text] == []
    return outcome.text


def stuck(told: str) -> Sequence[str]:
    """Of each thing that was stuck what was told, in order."""
    assert told.endswith("Nothing is stuck.\n    pulumi up --stack local   goes on from here\n")
    return [line.removeprefix("stuck ") for line in told.splitlines() if line.startswith("stuck ")]


def pods(project: Project) -> Mapping[str, str]:
    return {**project.pods("backend"), **project.pods("frontend")}


def wait_for(project: Project, *, status: str) -> None:
    """Returns once Helm has a revision of the release in a status."""
    deadline = time.monotonic() + SECONDS
    while not project.get("secrets", "--selector", f"owner=helm,name=todo-app,status={status}")["items"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
