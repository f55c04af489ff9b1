import socket

import pytest

from tests.support.stuck_stack import CUT_SHORT, DEAD_PID, UNLOCKED, StuckStack, locked

HERE = socket.gethostname()


@pytest.mark.parametrize("pid", [DEAD_PID, 1], ids=["dead", "of another program"])
def test_lock_of_a_killed_update_is_removed(stack: StuckStack, pid: int) -> None:
    stack.is_locked(locked(HERE, pid))
    stack.is_locked(UNLOCKED, by="cancel")

    printed = stack.recover()

    assert f"@{HERE} (pid {pid}) since 2026-11-24T02:31:41Z" in printed
    assert "command  pulumi cancel --yes oke\n" in printed
    assert printed.endswith("hint: pulumi up --stack oke\n")
    assert stack.changes == ["pulumi cancel --yes oke --color never --non-interactive"]


def test_lock_of_an_update_that_runs_here_is_kept(stack: StuckStack) -> None:
    update = stack.start_update()
    try:
        stack.is_locked(locked(HERE, update.pid))
        printed = stack.recover(code=1)
    finally:
        update.communicate()

    assert "error: An update of stack oke is running" in printed
    assert f"(pid {update.pid})" in printed
    assert stack.changes == ["pulumi hold cat"]


def test_lock_from_another_machine_needs_a_person(stack: StuckStack) -> None:
    stack.is_locked(locked("runner-5", DEAD_PID))

    printed = stack.recover(code=1)

    assert "check    whether that update still runs" in printed
    assert printed.endswith("hint: python -m delivery recover --stack oke\n")
    assert stack.changes == []


def test_update_in_pulumi_cloud_names_its_author(stack: StuckStack) -> None:
    stack.is_in_pulumi_cloud(kind="update", author="ann", started="2026-11-24T02:31:41.000Z")

    assert "Stack oke is locked by ann since 2026-11-24T02:31:41.000Z" in stack.recover(code=1)
    stack.is_in_pulumi_cloud()
    assert stack.recover() == "Nothing is stuck.\n"
    assert stack.changes == []


def test_unreachable_backend_is_an_error(stack: StuckStack) -> None:
    stack.is_locked("error: AccessDenied")

    assert "error: AccessDenied" in stack.recover(code=1)


def test_lock_of_an_unreadable_state_is_removed(stack: StuckStack) -> None:
    stack.has_unreadable_state(CUT_SHORT)
    stack.is_locked(locked(HERE, DEAD_PID))
    stack.is_locked(UNLOCKED, by="cancel")

    assert CUT_SHORT in stack.recover(code=1)
    assert stack.changes == ["pulumi cancel --yes oke --color never --non-interactive"]
