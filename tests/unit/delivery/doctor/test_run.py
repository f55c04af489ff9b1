from pathlib import Path

import pytest
import yaml

from delivery.__main__ import main
from delivery.doctor.checks import CHECKS
from tests.support import example
from tests.support.github_api import REPOSITORY, TOKEN
from tests.support.machine import Machine


def test_every_check_passes_on_a_complete_machine(machine: Machine) -> None:
    machine.github.headers["github-authentication-token-expiration"] = "2027-01-01 00:00:00 UTC"

    table = machine.doctor()

    assert [line.split("  ")[0] for line in table.splitlines()] == ["ok"] * len(CHECKS)
    assert f"octocat has access to {REPOSITORY}, until 2027-01-01 00:00:00 UTC" in table
    assert "axns" in table
    assert "canary" not in table
    assert TOKEN not in str(machine.pulumi.calls)


def test_exit_code_and_hint_of_a_failed_check(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    Path("kubeconfig").write_text(yaml.safe_dump(example.kubeconfig()))
    machine.configure()
    assert main(["doctor"]) == 0
    assert capsys.readouterr().err == ""
    machine.engine(stacks="[]")

    assert main(["doctor", "--stack", "octo/other"]) == 1

    printed = capsys.readouterr()
    assert "FAILED stack" in printed.out
    assert printed.err.endswith("checks failed: stack\nhint: python -m delivery setup --stack octo/other\n")


@pytest.mark.usefixtures("machine")
def test_another_folder_than_the_projects_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    Path("Pulumi.yaml").unlink()

    assert main(["doctor"]) == 1

    assert "Pulumi.yaml" in capsys.readouterr().err
