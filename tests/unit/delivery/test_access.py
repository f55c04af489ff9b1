"""The deployer of a stack: its kubeconfig on demand, and who verifies. Its rights are in `test_access`."""

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


def test_its_kubeconfig_is_printed_where_nobody_sees_it(
    pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMAND, "--stack", "dev"]) == 0

    printed = capsys.readouterr()
    document = yaml.safe_load(printed.out)
    assert document["users"] == [{"name": "todo-app-deployer", "user": {"token": "canary-token"}}]
    assert document["clusters"][0]["cluster"] == {
        "server": SERVER,
        "certificate-authority-data": deployer.AUTHORITY,
    }
    assert document["contexts"][0]["context"]["namespace"] == "todo"
    assert document["current-context"] == "todo-app-deployer"
    assert printed.err == ""
    assert pulumi.calls == ["stack export --show-secrets --stack dev --non-interactive"]


def test_a_terminal_is_not_shown_it(
    pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert main([*COMMAND]) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "hint: (umask 077 && python -m delivery kubeconfig --deployer --stack oke > " in printed.err
    assert pulumi.calls == []


@pytest.mark.parametrize("options", [(), ("--deployer", "--cluster", "ocid1.cluster.oc1..a")])
def test_a_kubeconfig_is_of_a_cluster_or_of_a_deployer(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["kubeconfig", *options])

    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "--cluster" in told
    assert "--deployer" in told


def test_a_token_that_was_replaced_is_not_taken(pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.has_state(deployer.token("canary-old", delete=True), *deployer.state(SERVER))
    assert main([*COMMAND]) == 0
    assert "token: canary-token\n" in capsys.readouterr().out

    pulumi.has_state(*deployer.state(SERVER), deployer.token("canary-old", delete=True))
    assert main([*COMMAND]) == 0
    assert "token: canary-token\n" in capsys.readouterr().out


@pytest.mark.parametrize("command", [(*COMMAND,), ("verify",)])
def test_a_stack_without_one_is_told(
    pulumi: PulumiCommand, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    *others, token = deployer.state(SERVER)
    for resources in ([*others, {**token, "outputs": {}}], others, []):
        pulumi.has_state(*resources)

        assert main([*command]) != 0

        assert capsys.readouterr().err == "error: Stack oke has no deployer yet.\n    pulumi up --stack oke\n"


def test_a_state_that_cannot_be_decrypted_is_told(pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.has_no_passphrase()

    assert main([*COMMAND]) == 1

    assert capsys.readouterr().err == (
        "error: `pulumi stack export --show-secrets --stack oke` failed:\nerror: incorrect passphrase\n"
    )


def test_a_cluster_that_nothing_leads_to_is_told_without_a_secret(
    pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.has_state(*deployer.state("", reached_by="users: [{user: {token: canary-administrator}}]\n"))

    assert main([*COMMAND]) == 1

    told = capsys.readouterr().err
    assert "The kubeconfig in the state of stack oke is of no use: it names no clusters or no contexts" in told
    assert example.CANARY not in told
