from pathlib import Path

import pytest
import yaml

from delivery.doctor.checks import CHECKS
from tests.support import example
from tests.support.command_line import Delivery
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


def test_exit_code_and_hint_of_a_failed_check(machine: Machine, delivery: Delivery) -> None:
    Path("kubeconfig").write_text(yaml.safe_dump(example.kubeconfig()))
    machine.configure()
    assert delivery("doctor")[1] == ""
    machine.engine(stacks="[]")

    printed, error = delivery("doctor", "--stack", "octo/other", code=1)

    assert "FAILED stack" in printed
    assert error.endswith("hint: python -m delivery setup --stack octo/other\n")


@pytest.mark.usefixtures("machine")
def test_another_folder_than_the_projects_is_reported(delivery: Delivery) -> None:
    Path("Pulumi.yaml").unlink()

    assert "Pulumi.yaml" in delivery("doctor", code=1)[1]
