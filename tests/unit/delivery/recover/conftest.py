from collections.abc import Callable
from pathlib import Path

import pytest

from delivery.__main__ import main
from tests.support.api_server import ApiServer
from tests.support.stuck_stack import StuckStack


@pytest.fixture
def stack(tmp_path: Path, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> StuckStack:
    return StuckStack(tmp_path / "engine", api_server, monkeypatch)


@pytest.fixture
def recover(stack: StuckStack, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run `recover` on the stack `oke`, with --yes unless other arguments are given, and return what it printed."""

    def run(*arguments: str, code: int = 0) -> str:
        assert main(["recover", "--stack", stack.name, *(arguments or ["--yes"])]) == code
        shown = capsys.readouterr()
        assert ("Nothing is stuck" in shown.out) == (code == 0)
        return shown.out + shown.err

    return run
