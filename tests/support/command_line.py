"""The command line of `python -m delivery`."""

import pytest

from delivery.__main__ import main


class Delivery:
    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Run a command that must end with this code, and return its standard output and error."""
        assert main(arguments) == code
        return self._capfd.readouterr()
