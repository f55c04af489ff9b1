from pathlib import Path

import pytest
import yaml

from tests.support.checkout import Checkout
from tests.support.command_line import Delivery
from tests.support.commands import StandIn
from tests.support.pulumi_command import PulumiCommand, step
from tests.support.rollbacks import CONFIG, RELEASE, VALUES, Rollback


@pytest.fixture
def checkout(checkout: Checkout) -> Checkout:
    Path("Pulumi.oke.yaml").write_text(yaml.safe_dump({"config": dict(CONFIG), "encryptionsalt": "v1:salt"}))
    return checkout


@pytest.fixture
def commits(checkout: Checkout) -> list[str]:
    """Three commits, each with other chart values; the second and third touch the backend."""
    return [
        checkout.commit({VALUES: "replicas: 1\n", "frontend/page": "1", "backend/app": "1"}),
        checkout.commit({VALUES: "replicas: 2\n", "backend/app": "2"}),
        checkout.commit({VALUES: "replicas: 3\n", "backend/app": "3"}),
    ]


@pytest.fixture
def crane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A registry that has every image."""
    folder = tmp_path / "registry"
    folder.mkdir()
    crane = StandIn("crane", folder, monkeypatch)
    crane.does("echo '{}'")
    return crane


@pytest.fixture
def pulumi(pulumi: PulumiCommand) -> PulumiCommand:
    """A stack whose previews update the release only."""
    pulumi.has_secrets(kafkaPassword="today's")
    pulumi.previews(step("same", "pulumi:pulumi:Stack", "todo-oke-oke"), RELEASE)
    return pulumi


@pytest.fixture
def roll_back(pulumi: PulumiCommand, delivery: Delivery) -> Rollback:
    return Rollback(pulumi, delivery)
