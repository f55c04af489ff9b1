from pathlib import Path

import pytest

from delivery.engine import state
from delivery.setup.passphrase import unlock_stack
from system.errors import UserError
from tests.support.machine import Machine
from tests.support.terminal import Scripted


@pytest.fixture
def fresh(machine: Machine) -> Machine:
    """An engine whose stack has the passphrase `right`, or takes any where there is no stack yet."""
    machine.patch.delenv("PULUMI_CONFIG_PASSPHRASE")
    Path("Pulumi.oke.yaml").unlink()
    machine.pulumi.does(
        """
        given=${PULUMI_CONFIG_PASSPHRASE:-$(cat "$PULUMI_CONFIG_PASSPHRASE_FILE" 2> /dev/null)}
        case "$1 $2" in
        "stack ls") test -e Pulumi.oke.yaml && echo '[{"name": "oke"}]' || echo '[]' ;;
        "config --json") if ! test -e Pulumi.oke.yaml || [ "$given" = right ]; then echo {}; else
            echo "error: incorrect passphrase" >&2; exit 255
        fi ;;
        esac
        """
    )
    return machine


def test_own_passphrase_is_typed_twice_and_is_long(fresh: Machine) -> None:
    good = "canary of sixteen characters"
    terminal = Scripted({}, {"Passphrase": ["canary-short", good, good], "Repeat": ["canary-other", good]})
    run = fresh.session(terminal)

    unlock_stack(run)

    assert run.environment["PULUMI_CONFIG_PASSPHRASE"] == good
    assert len(terminal.questions) == 8
    assert ["stack", "init", "oke", "--non-interactive"] in fresh.pulumi.calls
    assert "canary" not in terminal.text + str(run.exports) + str(fresh.pulumi.calls)


def test_wrong_passphrase_is_asked_for_again(fresh: Machine) -> None:
    Path("Pulumi.oke.yaml").write_text("encryptionsalt: v1:salt\n")
    terminal = Scripted({}, {"Passphrase": ["canary", "right"]})
    run = fresh.session(terminal, PULUMI_CONFIG_PASSPHRASE_FILE="missing")

    unlock_stack(run)

    assert run.environment["PULUMI_CONFIG_PASSPHRASE"] == "right"
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in run.environment
    assert "incorrect passphrase" in terminal.text
    assert len(terminal.questions) == 4
    assert "canary" not in terminal.text + str(fresh.pulumi.calls)


def test_file_of_a_passphrase_is_kept(fresh: Machine) -> None:
    file = Path("keys").absolute() / "passphrase"
    file.parent.mkdir()
    file.write_text("known\n")
    run = fresh.session(Scripted({"File ": [str(file)]}))

    unlock_stack(run)

    assert file.read_text() == "known\n"
    assert run.environment["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(file)


def test_pulumi_cloud_needs_no_passphrase(fresh: Machine) -> None:
    terminal = Scripted()

    unlock_stack(fresh.session(terminal, PULUMI_BACKEND_URL=state.PULUMI_CLOUD, PULUMI_ACCESS_TOKEN="pul-canary"))

    assert terminal.questions == []


def test_other_failures_of_the_engine_stop_setup(fresh: Machine) -> None:
    fresh.pulumi.does('test "$2" = ls && echo [] || { echo "error: no space left on device" >&2; exit 255; }')

    with pytest.raises(UserError, match="no space left"):
        unlock_stack(fresh.session(Scripted(), PULUMI_CONFIG_PASSPHRASE="right"))
