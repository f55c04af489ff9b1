from collections.abc import Callable

import pytest

from tests.support.stuck_stack import CUT_SHORT, StuckStack


@pytest.mark.parametrize(("backend", "hint"), [("file:///states", "hint: make down\n"), ("s3://todo-state", "")])
def test_unreadable_state_is_reported(stack: StuckStack, recover: Callable[..., str], backend: str, hint: str) -> None:
    stack.keeps_state_in(backend)
    stack.has_unreadable_state(CUT_SHORT)

    printed = recover(code=1)

    assert "The state of stack oke cannot be read" in printed
    assert printed.endswith(f"{CUT_SHORT}\n{hint}")
    assert stack.changes == []
