import socket

import pytest

from tests.support.command_line import Delivery
from tests.support.stuck_stack import BASE, DEAD_PID, RELEASED, UNLOCKED, StuckStack, locked


def test_healthy_stack_is_not_written(stack: StuckStack) -> None:
    assert stack.recover() == "Nothing is stuck.\n"
    assert stack.changes == []


def test_problems_are_repaired_in_the_order_in_which_they_hide_each_other(stack: StuckStack) -> None:
    stack.is_locked(locked(socket.gethostname(), DEAD_PID))
    stack.is_locked(UNLOCKED, by="cancel")
    stack.has_state([*BASE], ("creating", RELEASED))
    stack.has_revisions("deployed", "pending-upgrade")
    stack.has_revisions("superseded", "pending-upgrade", "deployed", by="helm")
    stack.has_state([*BASE], by="refresh")
    stack.plans(RELEASED)
    stack.plans(by="import")

    commands = [line.split()[1:3] for line in stack.recover().splitlines() if line.startswith("command ")]

    assert [*map(" ".join, commands)] == ["pulumi cancel", "helm rollback", "pulumi refresh", "pulumi import"]


def test_each_repair_needs_a_yes(stack: StuckStack) -> None:
    stack.is_locked(locked("runner-5", DEAD_PID))
    stack.is_locked(UNLOCKED, by="cancel")
    stack.has_revisions()
    stack.has_state([*BASE], by="refresh")

    for answers, code, changes in [("", 1, 0), ("n\n", 1, 0), ("y\n\n", 1, 1), ("yes\n", 0, 2)]:
        stack.recover(answers=answers, code=code)
        assert len(stack.changes) == changes


def test_without_a_terminal_the_hint_is_yes(stack: StuckStack, delivery: Delivery) -> None:
    stack.has_revisions()

    _, error = delivery("recover", "--stack", "oke", code=1)

    assert error.endswith("hint: python -m delivery recover --stack oke --yes\n")
    assert stack.changes == []


@pytest.mark.parametrize("error", ["", "error: no such resource"])
def test_failed_or_useless_repair_ends_the_command(stack: StuckStack, error: str) -> None:
    stack.has_revisions()
    if error:
        stack.fails_with(error)

    assert error in stack.recover(code=1)
    assert len(stack.changes) == 1
