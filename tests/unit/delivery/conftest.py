from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machine import Machine, complete_machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with complete_machine(tmp_path, monkeypatch) as machine:
        yield machine
