from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import Checkout
from tests.support.command_line import Delivery
from tests.support.machine import Machine, complete_machine
from tests.support.pulumi_command import PulumiCommand


@pytest.fixture
def delivery(capfd: pytest.CaptureFixture[str]) -> Delivery:
    return Delivery(capfd)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with complete_machine(tmp_path, monkeypatch) as machine:
        yield machine


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    return Checkout(tmp_path / "project", monkeypatch)


@pytest.fixture
def commit(checkout: Checkout) -> str:
    return checkout.commit({"values.yaml": "replicas: 1\n"})


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiCommand:
    return PulumiCommand(tmp_path / "engine", monkeypatch)
