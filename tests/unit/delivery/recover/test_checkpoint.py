import pytest

from delivery.recover import checkpoint
from system.errors import UserError
from tests.support.stuck_stack import CUT_SHORT, StuckStack


def test_unreadable_state_is_reported(stack: StuckStack) -> None:
    stack.has_unreadable_state(CUT_SHORT)

    assert stack.recover(code=1).endswith(f"{CUT_SHORT}\n")
    assert stack.changes == []


def test_only_the_local_stack_may_be_thrown_away(stack: StuckStack) -> None:
    stack.has_unreadable_state(CUT_SHORT)

    with pytest.raises(UserError) as error:
        checkpoint.read("local")

    assert error.value.hint == "make down"
