import base64
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.support.faults.assertions import Baseline, Snapshot, State, forms
from tests.support.faults.sandbox import Sandbox
from tests.support.project import Project

SECRET = "canary-password-c40b"
URN = "urn:pulumi:local::todo-oke::kubernetes:core/v1:Secret::it"
EMPTY = Snapshot({})


def snapshot(key: str, uid: str) -> Snapshot:
    return Snapshot({key: {"kind": key.partition(" ")[0], "metadata": {"uid": uid}}})


def lost(before: Snapshot, healed: Snapshot, may_replace: str = "") -> list[str]:
    return Baseline().lost(State([], []), before, before, healed, may_replace)


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_secret_is_found_at_every_offset_of_base64(before: str) -> None:
    text = base64.b64encode(f"{before}{SECRET}, and more".encode()).decode()

    assert any(form in text for form in forms(SECRET))
    assert not any(form in text for form in forms("canary-password-d51c"))


@pytest.mark.parametrize(
    ("key", "healed", "may_replace", "is_lost"),
    [
        ("Secret default/it", snapshot("Secret default/it", "1"), "", False),
        ("Secret default/it", EMPTY, "", True),
        ("Secret default/it", snapshot("Secret default/it", "2"), "", True),
        ("Secret default/it", snapshot("Secret default/it", "2"), "default/it", False),
        ("Pod default/it", EMPTY, "", False),
        ("Secret default/sh.helm.release.v1.todo-app.v1", EMPTY, "", False),
    ],
)
def test_missing_and_replaced_objects_are_lost(key: str, healed: Snapshot, may_replace: str, *, is_lost: bool) -> None:
    assert [key in loss for loss in lost(snapshot(key, "1"), healed, may_replace)] == [True] * is_lost


def test_a_resource_that_is_not_in_the_state_is_lost() -> None:
    (loss,) = Baseline(frozenset([URN])).lost(State([], []), EMPTY, EMPTY, EMPTY, "")

    assert URN in loss


def test_leaks_are_found_everywhere_and_reported_once(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "kubeconfig", printed=[f"password: {SECRET}"])
    project.state.mkdir()
    (project.state / "local.json").write_text(base64.b64encode(f"x{SECRET}".encode()).decode())
    sandbox = cast("Sandbox", SimpleNamespace(project=project, secrets=[SECRET]))
    baseline, pod = Baseline(), Snapshot({"Pod default/it": {"spec": {"env": SECRET}}})

    found = baseline.leaks(sandbox, pod)

    assert len(found) == 3
    assert all(SECRET in leak for leak in found)
    assert baseline.leaks(sandbox, pod) == []
