from pathlib import Path

import pytest

from tests.support.checkout import Checkout
from tests.support.pulumi_command import PulumiCommand


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    return Checkout(tmp_path / "project", monkeypatch)


@pytest.fixture
def commit(checkout: Checkout) -> str:
    return checkout.commit({"values.yaml": "replicas: 1\n"})


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiCommand:
    return PulumiCommand(tmp_path / "engine", monkeypatch)
