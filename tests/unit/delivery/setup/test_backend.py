from collections.abc import Mapping, Sequence

import pytest

from delivery.doctor.requirements import REQUIREMENTS
from delivery.engine import state
from delivery.setup.backend import choose_backend
from tests.support import oci_api
from tests.support.machine import Machine
from tests.support.terminal import Scripted


@pytest.fixture
def fresh(machine: Machine) -> Machine:
    """A machine without a backend."""
    machine.patch.delenv("PULUMI_BACKEND_URL")
    return machine


def reachable(machine: Machine, url: str, stacks: str = "[]") -> None:
    """Let `pulumi` reach one backend only, with the right key, and have these stacks there."""
    machine.pulumi.does(
        f"""
        case "$1 $2" in
        "stack ls") [ "$PULUMI_BACKEND_URL" = '{url}' ] && [ "${{AWS_SECRET_ACCESS_KEY:-right}}" = right ] || {{
            echo 'error: no such bucket' >&2; exit 255
        }}
        echo '{stacks}' ;;
        esac
        """
    )


def logins(machine: Machine) -> list[str]:
    return [call[1] for call in machine.pulumi.calls if call[0] == "login"]


def test_oci_bucket_is_asked_for_by_its_name_only(fresh: Machine) -> None:
    url = state.object_storage_url("axns", oci_api.REGION, "todo-state")
    reachable(fresh, url)
    terminal = Scripted({}, {"AWS_ACCESS_KEY_ID": ["canary-id"], "AWS_SECRET_ACCESS_KEY": ["canary-wrong", "right"]})
    session = fresh.session(terminal)

    choose_backend(session)

    assert logins(fresh) == [url]
    assert session.environment["PULUMI_BACKEND_URL"] == url
    assert session.environment["AWS_SECRET_ACCESS_KEY"] == "right"
    assert [*session.exports] == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    assert "no such bucket" in terminal.text
    assert str(REQUIREMENTS["AWS_ACCESS_KEY_ID"]) in terminal.text
    assert "canary" not in terminal.text


def test_bucket_of_an_unknown_tenancy_is_asked_for_in_full(fresh: Machine) -> None:
    (fresh.folder / ".oci" / "config").unlink()
    url = state.object_storage_url("other", "uk-london-1", "mine")
    reachable(fresh, url)
    answers = {"Namespace": ["not/one", "other"], "Region": ["uk-london-1"], "Bucket": ["mine"]}
    terminal = Scripted(answers, {"AWS_": ["right"]})

    choose_backend(fresh.session(terminal))

    assert logins(fresh) == [url]
    assert "'not/one'" in terminal.text


def test_unusable_backend_is_asked_for_again(fresh: Machine) -> None:
    reachable(fresh, "file:///right")
    urls = ["nonsense", "postgres://me:canary@host/state", "file:///wrong", "file:///right"]
    terminal = Scripted({"oci, cloud": urls})
    session = fresh.session(terminal, PULUMI_BACKEND_URL="file:///unreachable")

    choose_backend(session)

    assert session.exports["PULUMI_BACKEND_URL"] == "export PULUMI_BACKEND_URL='file:///right'"
    assert "'nonsense'" in terminal.text
    assert "hint: read -rs PULUMI_BACKEND_URL && export PULUMI_BACKEND_URL" in terminal.text
    assert "canary" not in terminal.text + str(fresh.pulumi.calls)
    assert logins(fresh) == ["file:///right"]


@pytest.mark.parametrize(
    ("stacks", "answers", "questions"),
    [
        ('[{"name": "oke"}]', {}, 0),
        ("[]", {"\nPulumi is logged in": ["y"]}, 1),
        ("[]", {"oci, cloud": ["file:///known"]}, 2),
    ],
)
def test_backend_of_another_project_is_confirmed(
    fresh: Machine, stacks: str, answers: Mapping[str, Sequence[str]], questions: int
) -> None:
    (fresh.folder / ".pulumi").mkdir()
    (fresh.folder / ".pulumi" / "credentials.json").write_text('{"current": "file:///known"}')
    reachable(fresh, "file:///known", stacks)
    terminal = Scripted(answers)

    choose_backend(fresh.session(terminal))

    assert len(terminal.questions) == questions
