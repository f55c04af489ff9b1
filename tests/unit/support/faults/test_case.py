import pytest

from tests.support.faults.case import Result, first_error
from tests.support.faults.table import markdown


@pytest.mark.parametrize(
    ("printed", "error"),
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
def test_the_first_specific_error_is_shown(printed: str, error: str) -> None:
    assert first_error(printed) == error


def test_an_unhealed_case_is_marked_in_the_table() -> None:
    table = markdown([Result("a fault", "a | b", "", 2.4, lost=["it"], unhealed=["it"])])

    assert "| a fault | a \\| b | **not healed** |" in table
