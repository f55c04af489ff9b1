from pathlib import Path

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import Delivery
from tests.support.stuck_stack import StuckStack


@pytest.fixture
def stack(tmp_path: Path, api_server: ApiServer, delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> StuckStack:
    return StuckStack(tmp_path / "engine", api_server, delivery, monkeypatch)
