"""Rules for the workflows: what they may reach, when they run, and in which order."""

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from components.selection import CHECKS
from tests.support.workflow import (
    ACTIONS,
    FILES,
    JOBS,
    ROOT,
    STEPS,
    WORKFLOWS,
    Job,
    Step,
    evaluate,
    secrets_in,
    started,
)
from tools.toolchain.go import MINIMUM
from tools.toolchain.pins import PINS

DOCUMENT = (ROOT / "docs/pipeline.md").read_text()
DEPLOY = WORKFLOWS["deploy-oke.yml"]
DEPLOY_JOB = next(job for job in JOBS if str(job) == "deploy-oke.yml deploy")

# Commands that run the program, which needs all credentials, and commands that only read the stack's state.
RUNS_PROGRAM = re.compile(r"^pulumi (preview|up)\b|-m delivery (rollback|drift) ")
READS_STATE = re.compile(r"-m delivery (verify|superseded) ")

OWNER = "owner/name"
PUSH = {"vars.PULUMI_BACKEND_URL": "s3://state", "github.repository": OWNER, "github.event_name": "push"}
MAIN = {**PUSH, "github.ref": "refs/heads/main", "github.run_id": "42"}
BRANCH = {**MAIN, "github.ref": "refs/heads/other"}
MANUAL = {**MAIN, "github.event_name": "workflow_dispatch", "inputs.stack": "oke"}
PULL_REQUEST = {
    **PUSH,
    "github.event_name": "pull_request",
    "github.ref": "refs/pull/5/merge",
    "github.event.pull_request.number": "5",
    "github.event.pull_request.head.repo.full_name": OWNER,
    "github.event.pull_request.user.login": "someone",
}
FORK = {**PULL_REQUEST, "github.event.pull_request.head.repo.full_name": "stranger/name"}
DELETED_FORK = {**PULL_REQUEST, "github.event.pull_request.head.repo.full_name": ""}
DEPENDABOT = {**PULL_REQUEST, "github.event.pull_request.user.login": "dependabot[bot]"}
UNTRUSTED = (FORK, DELETED_FORK, DEPENDABOT)
# With and without a stack, and with every optional job switched on.
EVENTS = [
    {**event, **variables}
    for event in (MAIN, BRANCH, MANUAL, PULL_REQUEST, *UNTRUSTED)
    for variables in (
        {},
        {"vars.PULUMI_BACKEND_URL": ""},
        {"vars.NOTIFY": "true", "needs.deploy.outputs.sign": "true", "needs.deploy.outputs.frontend": "an image"},
    )
]
WITH_CREDENTIALS = [step for step in STEPS if RUNS_PROGRAM.search(step.command) or READS_STATE.search(step.command)]


def is_on_main(event: Mapping[str, str]) -> bool:
    return event["github.ref"] == "refs/heads/main"


def documented(heading: str) -> Iterator[list[str]]:
    """The rows of the table in docs/pipeline.md that begins with this cell."""
    for line in DOCUMENT.partition(heading)[2].splitlines()[2:]:
        if not line.startswith("|"):
            return
        yield [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def test_no_event_runs_code_of_strangers_with_the_rights_of_the_repository() -> None:
    events = {event for workflow in WORKFLOWS.values() for event in workflow["on"]}

    assert events <= {"push", "pull_request", "workflow_dispatch", "schedule"}


@pytest.mark.parametrize("job", JOBS, ids=str)
def test_secrets_belong_to_environments(job: Job) -> None:
    assert bool(job.secrets) == bool(job.environment)


def test_documented_secrets_are_the_used_ones_with_their_environments() -> None:
    rows = documented("| secret |")

    used = {(name, job.environment) for job in JOBS for name in job.secrets}
    assert {(name, each) for name, environments, _ in rows for each in environments.split(", ")} == used


@pytest.mark.parametrize("event", UNTRUSTED)
def test_jobs_of_forks_and_dependabot_read_the_repository_and_no_secret(event: Mapping[str, str]) -> None:
    run = started("deploy-oke.yml", event)

    assert {job.name for job in JOBS if job.workflow == "deploy-oke.yml" and job.secrets} & run == set()
    for job in JOBS:
        if job.workflow == "deploy-oke.yml" and job.name in run:
            assert job.permissions == {"contents": "read"}


@pytest.mark.parametrize("event", EVENTS)
def test_production_is_reached_from_main_alone(event: Mapping[str, str]) -> None:
    """The rollback is dispatched by hand, and waits for the environment's reviewers."""
    approved = {job.name for job in JOBS if job.workflow == "deploy-oke.yml" and job.environment == "production"}

    assert not approved & started("deploy-oke.yml", event) or is_on_main(event)


def test_secrets_reach_single_steps_through_their_environment_or_inputs() -> None:
    for workflow in WORKFLOWS.values():
        assert secrets_in({key: value for key, value in workflow.items() if key != "jobs"}) == set()
    for job in JOBS:
        assert secrets_in({key: value for key, value in job.fields.items() if key != "steps"}) == set()
    for step in STEPS:
        assert secrets_in({key: value for key, value in step.fields.items() if key not in ("env", "with")}) == set()
        assert "*" not in step.secrets


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_step_gets_only_the_secrets_that_it_needs(step: Step) -> None:
    of_cloud = {name for name in step.secrets if name.startswith("OCI_")} | step.secrets & {"DELIVERY_GITHUB_TOKEN"}

    assert bool(of_cloud) == bool(RUNS_PROGRAM.search(step.command))
    assert ("PULUMI_CONFIG_PASSPHRASE" in step.secrets) == (step in WITH_CREDENTIALS)
    if step not in WITH_CREDENTIALS:
        assert len(step.secrets) <= 1  # its own token


def test_steps_agree_on_the_names_of_their_credentials() -> None:
    named = {item for step in WITH_CREDENTIALS for item in step.fields["env"].items()}
    of_program = [step.fields["env"] for step in WITH_CREDENTIALS if RUNS_PROGRAM.search(step.command)]

    assert len(named) == len(dict(named))
    assert all(environment == of_program[0] for environment in of_program)
    for name, value in of_program[0].items():  # a variable of OCI is the secret of the same name
        assert not name.startswith("OCI_") or value == f"${{{{ secrets.{name} }}}}"


@pytest.mark.parametrize("job", JOBS, ids=str)
def test_permissions_are_what_the_steps_need(job: Job) -> None:
    commands = "\n".join(step.command for step in job.steps)
    pushes = (job.uses("docker/setup-buildx-action") and job.uses("/delivery")) or "cosign sign" in commands
    expected = {
        "contents: read": job.uses("actions/checkout"),
        "packages: write": pushes,
        "packages: read": job.uses("/delivery") and not pushes,
        "pull-requests: write": "'comment-on-pr': 'true'" in str(job.fields["steps"]),
        "issues: write": "drift-issue" in commands,
        "id-token: write": "cosign sign" in commands,
    }

    assert not WORKFLOWS[job.workflow]["permissions"]
    granted = {f"{scope}: {access}" for scope, access in job.permissions.items()}
    assert granted == {permission for permission, needed in expected.items() if needed}


def test_documented_permissions_are_the_granted_ones() -> None:
    rows = {(workflow, job): permissions for workflow, job, permissions in documented("| workflow |")}

    assert rows == {
        (job.workflow, job.name): ", ".join(f"{key}: {value}" for key, value in sorted(job.permissions.items()))
        or "none"
        for job in JOBS
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    for used in re.findall(r"uses: (.*)", path.read_text()):
        local = re.fullmatch(r"\$/\.github/actions/([\w-]+)", used)
        assert (local and local[1] in ACTIONS) or re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used)


def test_an_action_has_one_version() -> None:
    used = re.findall(r"uses: ([\w/-]+)@(.*)", "\n".join(path.read_text() for path in FILES))

    assert len(set(used)) == len(dict(used))


@pytest.mark.parametrize("job", JOBS, ids=str)
def test_every_job_has_a_timeout_and_a_fixed_system(job: Job) -> None:
    assert int(job.fields["timeout-minutes"]) <= 90
    assert re.fullmatch(r"ubuntu-\d\d\.04(-arm)?", job.fields["runs-on"])


@pytest.mark.parametrize("job", [job for job in JOBS if job.uses("actions/checkout")], ids=str)
def test_checkout_comes_first_and_keeps_no_token(job: Job) -> None:
    checkout = job.steps[0].fields

    assert checkout["uses"].startswith("actions/checkout@")
    assert checkout["with"]["persist-credentials"] == "false"
    # The program reads the commits that the images are built from.
    assert checkout["with"].get("fetch-depth") == ("0" if job.uses("/delivery") else None)


@pytest.mark.parametrize("job", [job for job in JOBS if not job.uses("/toolchain")], ids=str)
def test_delivery_is_installed_before_it_runs(job: Job) -> None:
    installed = False
    for step in job.steps:
        installed = installed or step.fields.get("uses", "").endswith("/delivery")
        assert installed or not re.search(r"pulumi|-m delivery", step.command)


@pytest.mark.parametrize(
    "job", [job for job in JOBS if job.environment == "production" or job.name == "drift"], ids=str
)
def test_a_stack_is_used_by_one_job_at_a_time_and_none_is_cancelled(job: Job) -> None:
    concurrency = job.fields["concurrency"]

    assert concurrency["group"].startswith("stack-${{ inputs.stack ")
    assert (concurrency["cancel-in-progress"], concurrency["queue"]) == ("false", "max")


@pytest.mark.parametrize("event", EVENTS)
def test_only_runs_of_the_same_pull_request_are_cancelled(event: Mapping[str, str]) -> None:
    concurrency = DEPLOY["concurrency"]
    prefix, _, expression = concurrency["group"].partition("${{")

    assert evaluate(concurrency["cancel-in-progress"], event) is (event["github.event_name"] == "pull_request")
    number = event.get("github.event.pull_request.number", "42")
    assert f"{prefix}{evaluate('${{' + expression, event)}" == f"deploy-oke-{number}"


@pytest.mark.parametrize("event", EVENTS)
def test_events_start_their_jobs(event: Mapping[str, str]) -> None:
    run = started("deploy-oke.yml", event)
    has_stack = bool(event["vars.PULUMI_BACKEND_URL"])

    assert {"test", "app", "integration"} <= run
    assert ("build" in run) is not is_on_main(event)
    assert ("deploy" in run) is (is_on_main(event) and has_stack)
    assert len(run & {"preview", "preview-fork"}) == (event["github.event_name"] == "pull_request")
    assert "preview" not in run or has_stack
    assert ("sign" in run) is ("deploy" in run and "needs.deploy.outputs.sign" in event)
    assert ("notify" in run) is (is_on_main(event) and "vars.NOTIFY" in event)


def test_a_deployment_needs_every_test() -> None:
    assert DEPLOY_JOB.needs == {job.name for job in JOBS if "Tests" in job.fields["name"]}
    assert not any("continue-on-error" in step.fields for step in DEPLOY_JOB.steps)


def test_a_superseded_commit_is_not_deployed() -> None:
    (check,) = (step for step in DEPLOY_JOB.steps if "-m delivery superseded" in step.command)
    deploying = [step for step in DEPLOY_JOB.steps if re.search(r"^pulumi (preview|up)", step.command)]

    assert [step.command.split()[1] for step in deploying] == ["preview", "up"]
    for step in deploying:
        for superseded in ("true", "false"):
            context = {f"steps.{check.fields['id']}.outputs.superseded": superseded}
            assert evaluate(step.fields["if"], context) is (superseded == "false")


@pytest.mark.parametrize(
    ("update", "result", "rollback"),
    [
        *product(
            ["success", "failure", "skipped"], ["passed", "failed", "unknown", ""], ["success", "failure", "skipped"]
        )
    ],
)
def test_only_a_failed_verification_of_a_successful_update_is_rolled_back(
    update: str, result: str, rollback: str
) -> None:
    context = {
        "steps.up.outcome": update,
        "steps.verify.outputs.result": result,
        "steps.rollback.outcome": rollback,
        "failure()": "failure" in (update, rollback) or result != "passed",
    }

    after = DEPLOY_JOB.steps[-3:]
    run = [step.title for step in after if evaluate(step.fields["if"], context)]

    assert ("Verify" in run) is (update != "skipped")
    assert ("Roll back" in run) is (update == "success" and result == "failed")
    assert ("Verify again" in run) is (rollback == "success" and context["failure()"])
    assert "!cancelled() && (" in after[0].fields["if"]


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({"verified": "passed", "rolled-back": "skipped"}, ", verification passed ("),
        (
            {"verified": "failed", "rolled-back": "success", "verified-again": "passed"},
            ", verification failed, rolled back and verification passed (",
        ),
        ({"verified": "failed", "rolled-back": "failure"}, ", verification failed, rollback failed ("),
        ({}, ", verification not run ("),
    ],
)
def test_a_message_has_both_results(outputs: Mapping[str, str], text: str) -> None:
    (sent,) = (step for step in DEPLOY["jobs"]["notify"]["steps"] if "payload" in step.get("with", {}))
    context = {f"needs.deploy.outputs.{name}": value for name, value in outputs.items()}

    assert outputs.keys() <= DEPLOY_JOB.fields["outputs"].keys()
    assert text in re.sub(r"\$\{\{.*?\}\}", lambda found: str(evaluate(found[0], context)), sent["with"]["payload"])


@pytest.mark.parametrize(("typed", "full"), [(True, True), (False, "")])
def test_a_rollback_is_full_only_on_request(*, typed: bool, full: Any) -> None:
    """GitHub writes true as a text, and the step checks for a text that is not empty."""
    workflow = WORKFLOWS["rollback.yml"]

    assert workflow["on"]["workflow_dispatch"]["inputs"]["full"]["type"] == "boolean"
    assert evaluate(workflow["env"]["FULL"], {"inputs.full": typed}) == full


def test_crane_and_other_versions_are_the_ones_of_the_toolchain() -> None:
    (install,) = (step for step in ACTIONS["delivery"]["runs"]["steps"] if "crane" in step.get("run", ""))
    crane = next(tool for tool in PINS.tools if tool.name == "crane")
    inputs = (step.get("with", {}) for action in ACTIONS.values() for step in action["runs"]["steps"])
    versions = {key: value for each in inputs for key, value in each.items() if key.endswith("-version")}
    minimum = {runtime.command: runtime.minimum for runtime in PINS.app_tests.runtimes}
    project = (ROOT / "pyproject.toml").read_text()

    assert f" -C tools/go/{crane.module.folder} " in install["run"]
    assert crane.package in install["run"]
    assert versions["pulumi-version"] == next(tool.version for tool in PINS.tools if tool.name == "pulumi")
    assert versions["go-version"] == ".".join(map(str, MINIMUM))
    assert int(versions["node-version"]) >= minimum["node"]
    assert int(versions["java-version"]) >= minimum["java"]
    assert f'requires-python = ">={versions["python-version"]}"' in project


def test_the_checks_that_main_requires_are_jobs() -> None:
    names = {
        re.sub(r"\$\{\{ matrix\.\w+ \}\}", str(value), job.fields["name"])
        for job in JOBS
        if job.name in started("deploy-oke.yml", FORK)
        for values in job.fields.get("strategy", {"matrix": {"": [""]}})["matrix"].values()
        for value in values
    }

    assert {*CHECKS} <= names


def test_the_parts_of_the_integration_tests_are_all_of_them() -> None:
    parts = next(job for job in JOBS if job.name == "integration").fields["strategy"]["matrix"]["part"]
    collected = [file for part in parts for file in integration_files(f"PART={part}")]

    assert sorted(collected) == sorted(integration_files())


def integration_files(*arguments: str) -> list[Path]:
    """The test files that `make integration` runs."""
    dry = subprocess.run(
        ["make", "--dry-run", "integration", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    words = shlex.split(next(line for line in dry.splitlines() if line.startswith("pytest")), comments=True)[1:]
    ignored = {ROOT / word.removeprefix("--ignore=") for word in words if word.startswith("--ignore=")}
    places = [ROOT / word for word in words if word.startswith("tests/")]
    files = [file for place in places for file in ([place] if place.is_file() else place.glob("test_*.py"))]
    return [file for file in files if file not in ignored]
