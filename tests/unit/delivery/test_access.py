"""The kubeconfig of a stack's deployer. Its permissions are in `components/app/test_deployer.py`."""

import sys

import pytest
import yaml

from delivery.__main__ import main
from tests.support import deployer, example
from tests.support.pulumi_command import PulumiCommand
from tests.support.running_app import RunningApp

SERVER = "https://cluster.example.com:6443"
COMMAND = ("kubeconfig", "--deployer")


@pytest.fixture
def pulumi(app: RunningApp) -> PulumiCommand:
    app.pulumi.has_state(*deployer.state(SERVER))
    return app.pulumi


def test_kubeconfig_is_printed_into_a_pipe(pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMAND, "--stack", "dev"]) == 0

    printed = capsys.readouterr()
    document = yaml.safe_load(printed.out)
    assert document["users"] == [{"name": "todo-app-deployer", "user": {"token": "canary-token"}}]
    cluster = {"server": SERVER, "certificate-authority-data": deployer.AUTHORITY}
    assert document["clusters"][0]["cluster"] == cluster
    assert document["contexts"][0]["context"]["namespace"] == "todo"
    assert document["current-context"] == "todo-app-deployer"
    assert printed.err == ""
    assert pulumi.calls == ["stack export --show-secrets --stack dev --non-interactive"]


def test_kubeconfig_is_not_printed_on_a_terminal(
    pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert main([*COMMAND]) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "hint: (umask 077 && python -m delivery kubeconfig --deployer --stack oke > " in printed.err
    assert pulumi.calls == []


@pytest.mark.parametrize("options", [(), ("--deployer", "--cluster", "ocid1.cluster.oc1..a")])
def test_cluster_and_deployer_exclude_each_other(options: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["kubeconfig", *options])

    assert ended.value.code == 2


@pytest.mark.parametrize("place", [0, None], ids=["before", "behind"])
def test_replaced_token_is_ignored(
    pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str], place: int | None
) -> None:
    states = deployer.state(SERVER)
    states.insert(len(states) if place is None else place, deployer.token("canary-old", delete=True))
    pulumi.has_state(*states)

    assert main([*COMMAND]) == 0

    assert "token: canary-token\n" in capsys.readouterr().out


@pytest.mark.parametrize("command", [(*COMMAND,), ("verify",)])
def test_stack_without_a_deployer_is_an_error(
    pulumi: PulumiCommand, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    *others, token = deployer.state(SERVER)
    for resources in ([*others, {**token, "outputs": {}}], others, []):
        pulumi.has_state(*resources)

        assert main([*command]) != 0

        assert capsys.readouterr().err.endswith("hint: pulumi up --stack oke\n")


def test_missing_passphrase_is_an_error(pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.has_no_passphrase()

    assert main([*COMMAND]) == 1

    assert "error: incorrect passphrase\n" in capsys.readouterr().err


def test_unusable_kubeconfig_is_reported_without_a_secret(
    pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.has_state(*deployer.state("", kubeconfig="users: [{user: {token: canary-administrator}}]\n"))

    assert main([*COMMAND]) == 1

    error = capsys.readouterr().err
    assert "error: The kubeconfig in the state of stack oke leads to no cluster" in error
    assert example.CANARY not in error
