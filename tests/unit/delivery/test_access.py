"""The kubeconfig of a stack's deployer. Its permissions are in `components/app/test_deployer.py`."""

import sys

import pytest
import yaml

from tests.support import deployer, example
from tests.support.command_line import Delivery
from tests.support.pulumi_command import PulumiCommand
from tests.support.running_app import RunningApp

SERVER = "https://cluster.example.com:6443"
COMMAND = ("kubeconfig", "--deployer")


@pytest.fixture
def pulumi(app: RunningApp) -> PulumiCommand:
    app.pulumi.has_state(*deployer.state(SERVER))
    return app.pulumi


def test_kubeconfig_is_printed_into_a_pipe(pulumi: PulumiCommand, delivery: Delivery) -> None:
    printed, error = delivery(*COMMAND, "--stack", "dev")

    document = yaml.safe_load(printed)
    assert document["users"] == [{"name": "todo-app-deployer", "user": {"token": "canary-token"}}]
    cluster = {"server": SERVER, "certificate-authority-data": deployer.AUTHORITY}
    assert document["clusters"][0]["cluster"] == cluster
    assert document["contexts"][0]["context"]["namespace"] == "todo"
    assert document["current-context"] == "todo-app-deployer"
    assert error == ""
    assert pulumi.calls == ["stack export --show-secrets --stack dev --non-interactive"]


def test_kubeconfig_is_not_printed_on_a_terminal(
    pulumi: PulumiCommand, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    printed, error = delivery(*COMMAND, code=1)

    assert printed == ""
    assert "hint: (umask 077 && python -m delivery kubeconfig --deployer --stack oke > " in error
    assert pulumi.calls == []


def test_replaced_token_is_ignored(pulumi: PulumiCommand, delivery: Delivery) -> None:
    replaced = deployer.token("canary-old", delete=True)
    pulumi.has_state(replaced, *deployer.state(SERVER), replaced)

    assert "token: canary-token\n" in delivery(*COMMAND)[0]


@pytest.mark.parametrize(("command", "code"), [(COMMAND, 1), (("verify",), 3)])
def test_stack_without_a_deployer_is_an_error(
    pulumi: PulumiCommand, delivery: Delivery, command: tuple[str, ...], code: int
) -> None:
    *others, token = deployer.state(SERVER)
    for resources in ([*others, {**token, "outputs": {}}], others, []):
        pulumi.has_state(*resources)

        assert delivery(*command, code=code)[1].endswith("hint: pulumi up --stack oke\n")


def test_missing_passphrase_is_an_error(pulumi: PulumiCommand, delivery: Delivery) -> None:
    pulumi.has_no_passphrase()

    assert "incorrect passphrase\n" in delivery(*COMMAND, code=1)[1]


def test_unusable_kubeconfig_is_reported_without_a_secret(pulumi: PulumiCommand, delivery: Delivery) -> None:
    pulumi.has_state(*deployer.state("", kubeconfig="users: [{user: {token: canary-administrator}}]\n"))

    _, error = delivery(*COMMAND, code=1)

    assert "The kubeconfig in the state of stack oke leads to no cluster" in error
    assert example.CANARY not in error
