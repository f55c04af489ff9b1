from pathlib import Path

import yaml

from tests.support import example
from tests.support.machine import Machine


def test_unused_services_are_not_checked(machine: Machine) -> None:
    Path("kubeconfig").write_text(yaml.safe_dump(example.kubeconfig()))
    machine.configure()
    machine.patch.delenv("GITHUB_TOKEN")

    checks = machine.checks()

    skipped = {name for name, check in checks.items() if check.state == "not applicable"}
    assert skipped == {
        "docker",
        "registry",
        "trivy",
        *(name for name in checks if name.startswith(("OCI ", "GitHub "))),
    }
    assert {check.state for name, check in checks.items() if name not in skipped} == {"passed"}


def test_hanging_command_delays_no_other_check(machine: Machine) -> None:
    for command in (machine.pulumi, machine.docker):
        command.does("exec sleep 600")

    checks = machine.checks(timeout=0.5)

    assert checks["docker"].state == "not applicable"  # without settings
    assert checks["pulumi"].state == "failed"
    assert "0.5 seconds" in checks["pulumi"].evidence
    assert checks["git"].state == "passed"
