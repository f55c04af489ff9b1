"""What the fault cases judge by: a fault that they overlook would be told as healed."""

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.faults.__main__ import CASES
from tests.faults.case import Result, first_error
from tests.faults.judge import Judge, Live, State, forms
from tests.faults.site import Site
from tests.faults.table import markdown
from tests.support.project import Project

SECRET = "canary-password-c40b"
URN = "urn:pulumi:local::todo-oke::kubernetes:core/v1:Secret::it"


def live(kind: str, name: str, uid: str, *, of_helm: bool = False) -> Live:
    return Live({f"{kind} {name}{' (Helm)' if of_helm else ''}": {"kind": kind, "metadata": {"uid": uid}}})


def lost(before: Live, healed: Live, may_be_replaced: str = "") -> list[str]:
    return Judge(frozenset()).lost(State([], []), before, before, healed, may_be_replaced)


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_secret_is_found_in_the_middle_of_base64_wherever_it_begins(before: str) -> None:
    text = base64.b64encode(f"{before}{SECRET}, and more".encode()).decode()

    assert any(form in text for form in forms(SECRET))
    assert not any(form in text for form in forms("canary-password-d51c"))


def test_an_object_that_is_gone_or_another_one_is_lost() -> None:
    secret = live("Secret", "default/it", "1")

    assert lost(secret, secret) == []
    assert lost(secret, Live({})) == ["Secret default/it is gone"]
    assert lost(secret, live("Secret", "default/it", "2")) == ["Secret default/it is another one"]


def test_what_the_fault_itself_replaces_and_what_comes_and_goes_by_itself_is_not_lost() -> None:
    assert lost(live("Secret", "default/it", "1"), live("Secret", "default/it", "2"), "default/it") == []
    assert lost(live("Pod", "default/it", "1"), Live({})) == []
    assert lost(live("Secret", "default/sh.helm.release.v1.todo-app.v1", "1"), Live({})) == []


def test_no_secret_is_overlooked_in_what_the_cluster_has(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "kubeconfig", printed=[f"password: {SECRET}"])
    project.state.mkdir()
    (project.state / "local.json").write_text(base64.b64encode(f"x{SECRET}".encode()).decode())
    stand_in = SimpleNamespace(project=project, secrets=[SECRET])
    judge, pod = Judge(), Live({"Pod default/it": {"spec": {"env": SECRET}}})

    found = judge.leaks(cast("Site", stand_in), pod)

    assert found == [f"{SECRET} in {place}" for place in ("the cluster's objects", "the state", "what was printed")]
    assert judge.leaks(cast("Site", stand_in), pod) == []  # it was told


def test_a_resource_that_the_state_forgot_is_lost() -> None:
    judge = Judge(frozenset([URN]))

    assert judge.lost(State([], []), Live({}), Live({}), Live({}), "") == [f"{URN} is not in the state"]


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("error: the stack is currently locked by 1 lock(s)\n", "the stack is currently locked by 1 lock(s)"),
        (
            " +  Release it **creating failed** error: 1 error\nDiagnostics:\n  Stack:\n    error: update failed\n"
            "  Release (it):\n    error: 1 error occurred:\n    \t* timed out\n",
            "timed out",
        ),
        (
            "Diagnostics:\n  Group:\n    error: invoke transform: rpc error: EOF\n"
            "  Stack:\n    error: The program ended with exit code -9.\n",
            "The program ended with exit code -9.",
        ),
        ("Updating (local):\n    3 unchanged\n", ""),
    ],
)
def test_the_first_error_that_tells_something_is_shown(printed: str, told: str) -> None:
    assert first_error(printed) == told


def test_a_case_that_did_not_heal_is_marked_in_the_table() -> None:
    table = markdown([Result("a fault", "a | b", "", 2.4, lost=["it"], unhealed=["it"])])

    assert table.splitlines()[2] == "| a fault | a \\| b | **not healed** | 2 | 1 | 0 |"


def test_the_cases_have_names_of_their_own() -> None:
    names = [case.name for case in CASES]

    assert len(names) == len({*names}) >= 40
