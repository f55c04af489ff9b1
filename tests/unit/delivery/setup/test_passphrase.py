"""The passphrase of a stack's secrets: the engine tries it, and `setup` asks until it is right."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from delivery.doctor.context import Apis
from delivery.engine import state
from delivery.setup.passphrase import unlock_stack
from delivery.setup.session import Session
from system.errors import UserError
from tests.support import example
from tests.support.commands import StandIn
from tests.support.terminal import Scripted

NewSession = Callable[..., Session]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """An engine whose stack has the passphrase `right`, or takes any where there is no stack yet."""
    for name in [name for name in os.environ if name.startswith("PULUMI_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    shutil.copy(example.PROJECT_FOLDER / "Pulumi.yaml", tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "bin").mkdir()
    pulumi = StandIn("pulumi", tmp_path / "bin", monkeypatch)
    pulumi.does(
        """
        given=${PULUMI_CONFIG_PASSPHRASE:-$(cat "$PULUMI_CONFIG_PASSPHRASE_FILE" 2> /dev/null)}
        case "$1 $2" in
        "stack ls") test -e Pulumi.oke.yaml && echo '[{"name": "oke"}]' || echo '[]' ;;
        "config --json") if ! grep -qs salt Pulumi.oke.yaml || [ "$given" = right ]; then echo {}; else
            echo "error: incorrect passphrase" >&2; exit 255
        fi ;;
        esac
        """
    )
    return pulumi


@pytest.fixture
def session(pulumi: StandIn, tmp_path: Path) -> NewSession:
    """A new session of `setup`, with the example's engine."""

    def new(terminal: Scripted, **variables: str) -> Session:
        environment = {**os.environ, "PULUMI_BACKEND_URL": f"file://{tmp_path}", **variables}
        return Session("oke", environment, terminal, Apis())

    assert pulumi.calls == []
    return new


def test_own_passphrase_is_typed_twice_and_is_long(session: NewSession, pulumi: StandIn) -> None:
    good = "canary of sixteen characters"
    terminal = Scripted(
        {}, {"Passphrase": ["canary-short", good, good], "Repeat the passphrase": ["canary-other", good]}
    )
    run = session(terminal)

    unlock_stack(run)

    assert run.environment["PULUMI_CONFIG_PASSPHRASE"] == good
    assert len(terminal.questions) == 8
    assert ["stack", "init", "oke", "--non-interactive"] in pulumi.calls
    assert "canary" not in terminal.text + str(run.exports) + str(pulumi.calls)


def test_wrong_passphrase_is_asked_for_again(session: NewSession, pulumi: StandIn) -> None:
    Path("Pulumi.oke.yaml").write_text("encryptionsalt: v1:salt\n")
    terminal = Scripted({}, {"Passphrase": ["canary", "right"]})
    run = session(terminal, PULUMI_CONFIG_PASSPHRASE_FILE="missing")

    unlock_stack(run)

    assert run.environment["PULUMI_CONFIG_PASSPHRASE"] == "right"
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in run.environment
    assert "incorrect passphrase" in terminal.text
    assert len(terminal.questions) == 4
    assert "canary" not in terminal.text + str(pulumi.calls)


def test_file_of_a_passphrase_is_kept(session: NewSession) -> None:
    file = Path("keys").absolute() / "passphrase"
    file.parent.mkdir()
    file.write_text("known\n")
    run = session(Scripted({"File ": [str(file)]}))

    unlock_stack(run)

    assert file.read_text() == "known\n"
    assert run.environment["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(file)


def test_pulumi_cloud_needs_no_passphrase(session: NewSession) -> None:
    terminal = Scripted()

    unlock_stack(session(terminal, PULUMI_BACKEND_URL=state.PULUMI_CLOUD, PULUMI_ACCESS_TOKEN="pul-canary"))

    assert terminal.questions == []


def test_other_failures_of_the_engine_stop_setup(session: NewSession, pulumi: StandIn) -> None:
    pulumi.does('test "$2" = ls && echo [] || { echo "error: no space left on device" >&2; exit 255; }')

    with pytest.raises(UserError, match="no space left"):
        unlock_stack(session(Scripted(), PULUMI_CONFIG_PASSPHRASE="right"))
