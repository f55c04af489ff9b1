"""What the workflows do when, and what they may: as docs/pipeline.md and the design say, on every edit."""

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from components.selection import CHECKS
from tests.support.workflow import ACTIONS, FILES, GITHUB, ROOT, WORKFLOWS, Job, Step, evaluate, jobs, steps
from tools.toolchain.go import MINIMUM
from tools.toolchain.pins import PINS

DOCUMENT = (ROOT / "docs/pipeline.md").read_text()
DEPLOY = WORKFLOWS["deploy-oke.yml"]

STATE = {"PULUMI_ACCESS_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "PULUMI_CONFIG_PASSPHRASE"}
OCI = {f"OCI_CLI_{name}" for name in ("USER", "TENANCY", "FINGERPRINT", "KEY_CONTENT")}
STACK = STATE | OCI | {"DELIVERY_GITHUB_TOKEN"}
JOB_TOKEN = {"github.token"}

# Whoever is not here sees no secret.
SECRETS: Mapping[tuple[str, str], set[str]] = {
    ("deploy-oke.yml preview", "docker/login-action"): JOB_TOKEN,
    ("deploy-oke.yml preview", "Preview"): STACK,
    ("deploy-oke.yml deploy", "docker/login-action"): JOB_TOKEN,
    ("deploy-oke.yml deploy", "Preview"): STACK,
    ("deploy-oke.yml deploy", "Bring the stack up"): STACK,
    ("deploy-oke.yml deploy", "Go back to the chosen version"): STACK,
    ("deploy-oke.yml deploy", "Verify"): STATE,
    ("deploy-oke.yml deploy", "Roll back"): STACK,
    ("deploy-oke.yml deploy", "Check whether a later commit was already deployed"): STATE,
    ("deploy-oke.yml deploy", "Verify again"): STATE,
    ("deploy-oke.yml sign", "docker/login-action"): JOB_TOKEN,
    ("deploy-oke.yml notify", "slackapi/slack-github-action"): {"SLACK_WEBHOOK_URL"},
    ("rollback.yml preview", "docker/login-action"): JOB_TOKEN,
    ("rollback.yml preview", "Preview"): STACK,
    ("rollback.yml rollback", "docker/login-action"): JOB_TOKEN,
    ("rollback.yml rollback", "Roll back"): STACK,
    ("rollback.yml rollback", "Verify"): STATE,
    ("drift.yml drift", "docker/login-action"): JOB_TOKEN,
    ("drift.yml drift", "Preview after a refresh"): STACK,
    ("drift.yml drift", "Tell it in the issue"): JOB_TOKEN,
}

OWNER = "owner/name"
BACKEND = {"vars.PULUMI_BACKEND_URL": "s3://state", "github.repository": OWNER, "github.run_id": "42"}
MAIN = {**BACKEND, "github.event_name": "push", "github.ref": "refs/heads/main"}
BRANCH = {**MAIN, "github.ref": "refs/heads/001-oke-dapr-infrastructure"}
BY_HAND = {**MAIN, "github.event_name": "workflow_dispatch", "inputs.stack": "oke"}
PULL_REQUEST = {
    **BACKEND,
    "github.event_name": "pull_request",
    "github.ref": "refs/pull/5/merge",
    "github.event.pull_request.number": "5",
    "github.event.pull_request.head.repo.full_name": OWNER,
    "github.event.pull_request.user.login": "someone",
}
FORK = {**PULL_REQUEST, "github.event.pull_request.head.repo.full_name": "stranger/name"}
DEPENDABOT = {**PULL_REQUEST, "github.event.pull_request.user.login": "dependabot[bot]"}
ALL_ON = {"needs.deploy.outputs.sign": "true", "needs.deploy.outputs.frontend": "an image", "vars.NOTIFY": "true"}
# Of a rollback, and of a commit that comes too late.
NOTHING_NEW = {"needs.deploy.outputs.frontend": ""}
TESTS = {"test", "app", "integration"}


def secrets_in(fields: Any) -> set[str]:
    """The names of the secrets that its expressions read; `*` where one reads more than it names."""
    found: set[str] = set()
    for expression in re.findall(r"\$\{\{(.*?)\}\}", str(fields), re.DOTALL):
        found |= set(re.findall(r"\bsecrets\.(\w+)", expression))
        found |= JOB_TOKEN if "github.token" in expression else set()
        found |= {"*"} if re.search(r"\b(secrets|github)\b(?!\.\w)", expression) else set()
    return found


def permissions_of(job: Job) -> dict[str, str]:
    return job.fields["permissions"] or {}


def environment_of(job: Job) -> str:
    environment = job.fields.get("environment", "")
    return environment if isinstance(environment, str) else environment["name"]


def table(heading: str) -> list[list[str]]:
    """The rows of the document's table with this first row."""
    lines = DOCUMENT.partition(heading)[2].splitlines()[2:]
    rows = lines[: next(index for index, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows]


def test_the_pipeline_is_the_documents() -> None:
    assert DEPLOY["name"] == "Deploy to Oracle OKE"
    assert DEPLOY["on"]["push"] == {"branches": ["main", "001-oke-dapr-infrastructure"]}
    assert DEPLOY["on"]["pull_request"] == {"branches": ["main"]}
    assert DEPLOY["on"]["workflow_dispatch"]["inputs"].keys() == {"stack", "rollback", "debug"}
    names = {job.fields["name"] for job in jobs() if job.workflow == "deploy-oke.yml"}
    assert names >= {"Run Tests", "Build Docker Images", "Deploy to OKE", "Notify Deployment Status"}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (MAIN, TESTS | {"deploy"}),
        (MAIN | ALL_ON, TESTS | {"deploy", "sign", "notify"}),
        (MAIN | {"vars.PULUMI_BACKEND_URL": ""}, TESTS),
        (BRANCH, TESTS | {"build"}),
        (BRANCH | ALL_ON, TESTS | {"build"}),
        (BY_HAND, TESTS | {"deploy"}),
        (BY_HAND | ALL_ON | NOTHING_NEW, TESTS | {"deploy", "notify"}),
        (BY_HAND | {"github.ref": "refs/heads/other"}, TESTS | {"build"}),
        (PULL_REQUEST | ALL_ON, TESTS | {"build", "preview"}),
        (PULL_REQUEST | {"vars.PULUMI_BACKEND_URL": ""}, TESTS | {"build", "preview-fork"}),
        (FORK, TESTS | {"build", "preview-fork"}),
        (FORK | ALL_ON, TESTS | {"build", "preview-fork"}),
        (FORK | {"vars.PULUMI_BACKEND_URL": ""}, TESTS | {"build", "preview-fork"}),
        (FORK | {"github.event.pull_request.head.repo.full_name": ""}, TESTS | {"build", "preview-fork"}),
        (DEPENDABOT, TESTS | {"build", "preview-fork"}),
    ],
)
def test_what_happens_when(event: Mapping[str, str], expected: set[str]) -> None:
    """A job whose needs were skipped is skipped, unless it asks for always()."""
    run: set[str] = set()
    for name, job in DEPLOY["jobs"].items():
        condition = job.get("if", "true")
        needs = job.get("needs", [])
        needed = {needs} if isinstance(needs, str) else set(needs)
        if evaluate(condition, event) and (needed <= run or "always()" in condition):
            run.add(name)
    assert run == expected


def test_a_fork_gets_no_secret_and_may_only_read() -> None:
    for_forks = [job for job in jobs() if str(job) in {f"deploy-oke.yml {name}" for name in ("build", "preview-fork")}]
    for_forks += [job for job in jobs() if job.workflow == "deploy-oke.yml" and job.name in TESTS]
    assert len(for_forks) == 5
    for job in for_forks:
        assert secrets_in(job.fields) == set()
        assert permissions_of(job) == {"contents": "read"}
        assert not environment_of(job)


def test_no_event_runs_strangers_code_with_the_repositorys_rights() -> None:
    events = {event for workflow in WORKFLOWS.values() for event in workflow["on"]}
    assert events == {"push", "pull_request", "workflow_dispatch", "schedule"}


def test_a_secret_is_where_it_is_needed_and_nowhere_else() -> None:
    assert {(step.where, step.title): found for step in steps() if (found := secrets_in(step.fields))} == SECRETS
    for workflow in WORKFLOWS.values():
        assert secrets_in({key: value for key, value in workflow.items() if key != "jobs"}) == set()
    for job in jobs():
        assert secrets_in({key: value for key, value in job.fields.items() if key != "steps"}) == set()


@pytest.mark.parametrize("step", [*steps()], ids=str)
def test_a_secret_is_only_in_an_environment_or_an_input(step: Step) -> None:
    rest = {key: value for key, value in step.fields.items() if key not in ("env", "with")}
    assert secrets_in(rest) == set()


def test_a_secret_is_of_an_environment_and_the_readme_says_of_which() -> None:
    used = {(name, environment_of(job)) for job in jobs() for name in secrets_in(job.fields) - JOB_TOKEN}
    told = {(name, environment) for name, places, _ in table("| secret |") for environment in places.split(", ")}
    assert used == told
    assert all(environment for _, environment in used)


def test_the_state_and_the_cloud_are_named_the_same_in_every_step() -> None:
    blocks = [step.fields["env"] for step in steps() if secrets_in(step.fields.get("env")) & STATE]
    whole = [block for block in blocks if secrets_in(block) == STACK]
    state = [block for block in blocks if secrets_in(block) == STATE]
    assert len(whole) + len(state) == len(blocks)
    assert all(block == whole[0] for block in whole)
    assert all(block == state[0] for block in state)
    assert state[0].items() <= whole[0].items()
    assert whole[0] == {
        "PULUMI_BACKEND_URL": "${{ vars.PULUMI_BACKEND_URL }}",
        "GITHUB_TOKEN": "${{ secrets.DELIVERY_GITHUB_TOKEN }}",
        **{name: f"${{{{ secrets.{name} }}}}" for name in STATE | OCI},
        "TF_VAR_user_ocid": "${{ secrets.OCI_CLI_USER }}",
        "TF_VAR_tenancy_ocid": "${{ secrets.OCI_CLI_TENANCY }}",
        "TF_VAR_fingerprint": "${{ secrets.OCI_CLI_FINGERPRINT }}",
        "TF_VAR_private_key": "${{ secrets.OCI_CLI_KEY_CONTENT }}",
    }


def test_permissions_are_the_readmes_and_there_are_none_by_default() -> None:
    assert all(workflow["permissions"] == {} or not workflow["permissions"] for workflow in WORKFLOWS.values())
    told = {(workflow, job): permissions for workflow, job, permissions in table("| workflow |")}
    assert told == {
        (job.workflow, job.name): ", ".join(f"{key}: {value}" for key, value in sorted(permissions_of(job).items()))
        or "none"
        for job in jobs()
    }


@pytest.mark.parametrize("path", [*FILES, *GITHUB.glob("actions/*/action.yml")], ids=lambda path: path.parent.name)
def test_every_action_is_pinned_by_its_commit(path: Any) -> None:
    for used in re.findall(r"uses: (.*)", path.read_text()):
        local = re.fullmatch(r"\$/\.github/actions/([\w-]+)", used)
        assert (local and local[1] in ACTIONS) or re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used)


def test_an_action_is_of_one_version() -> None:
    used = re.findall(r"uses: ([\w/-]+)@(.*)", "\n".join(path.read_text() for path in GITHUB.rglob("*.yml")))
    assert len(set(used)) == len(dict(used))


@pytest.mark.parametrize("step", [step for step in steps() if "actions/checkout" in step.title], ids=str)
def test_no_checkout_leaves_its_token_behind(step: Step) -> None:
    assert step.fields["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize("job", [*jobs()], ids=str)
def test_every_job_ends(job: Job) -> None:
    assert int(job.fields["timeout-minutes"]) <= 90


@pytest.mark.parametrize("job", [*jobs()], ids=str)
def test_every_job_runs_on_a_named_system(job: Job) -> None:
    assert job.fields["runs-on"] in {"ubuntu-24.04", "ubuntu-24.04-arm"}


def test_nothing_that_changes_a_stack_is_cancelled_or_runs_beside_another() -> None:
    queued = {str(job): job.fields["concurrency"] for job in jobs() if "concurrency" in job.fields}
    assert queued.keys() == {"deploy-oke.yml deploy", "rollback.yml rollback", "drift.yml drift"}
    approved = {str(job) for job in jobs() if environment_of(job) == "production"}
    assert approved == {"deploy-oke.yml deploy", "rollback.yml rollback"} == queued.keys() - {"drift.yml drift"}
    for concurrency in queued.values():
        assert (concurrency["cancel-in-progress"], concurrency["queue"]) == ("false", "max")
        assert concurrency["group"].startswith("stack-${{ inputs.stack ")
    assert WORKFLOWS["rollback.yml"]["concurrency"]["cancel-in-progress"] == "false"


@pytest.mark.parametrize(
    ("event", "cancels", "group"),
    [(PULL_REQUEST, True, "5"), (FORK, True, "5"), (MAIN, False, "42"), (BRANCH, False, "42"), (BY_HAND, False, "42")],
)
def test_only_a_pull_requests_runs_are_cancelled_and_only_by_its_own(
    event: Mapping[str, str], *, cancels: bool, group: str
) -> None:
    concurrency = DEPLOY["concurrency"]
    prefix, _, expression = concurrency["group"].partition("${{")
    assert evaluate(concurrency["cancel-in-progress"], event) is cancels
    assert f"{prefix}{evaluate('${{' + expression, event)}" == f"deploy-oke-{group}"


VERIFIED, FAILED, UNKNOWN = ("success", "passed"), ("failure", "failed"), ("failure", "unknown")


@pytest.mark.parametrize(
    ("came", "back", "verify", "rollback", "expected"),
    [
        ("success", "skipped", VERIFIED, "", ["Verify"]),
        ("success", "skipped", FAILED, "success", ["Verify", "Roll back", "Verify again"]),
        ("success", "skipped", FAILED, "failure", ["Verify", "Roll back"]),
        ("success", "skipped", UNKNOWN, "", ["Verify"]),
        ("success", "skipped", ("failure", ""), "", ["Verify"]),  # whatever it was, it was no verdict
        ("failure", "skipped", VERIFIED, "", ["Verify"]),
        ("failure", "skipped", FAILED, "", ["Verify"]),
        ("failure", "skipped", UNKNOWN, "", ["Verify"]),
        ("skipped", "success", VERIFIED, "", ["Verify"]),
        ("skipped", "success", FAILED, "", ["Verify"]),
        ("skipped", "failure", ("skipped", ""), "", []),
        ("skipped", "skipped", ("skipped", ""), "", []),  # a step before all of them failed
    ],
)
def test_only_an_update_that_is_proven_bad_is_rolled_back(
    came: str, back: str, verify: tuple[str, str], rollback: str, expected: list[str]
) -> None:
    outcomes = {"up": came, "back": back, "verify": verify[0], "rollback": rollback}
    context = {f"steps.{name}.outcome": outcome for name, outcome in outcomes.items()}
    context["steps.verify.outputs.result"] = verify[1]
    failed = str("failure" in outcomes.values())
    steps_after = DEPLOY["jobs"]["deploy"]["steps"][-3:]
    run = [step["name"] for step in steps_after if evaluate(step["if"].replace("failure()", failed), context)]
    assert run == expected
    assert all("continue-on-error" not in step for step in DEPLOY["jobs"]["deploy"]["steps"])


def test_the_look_at_the_app_is_stopped_with_the_run() -> None:
    (verify,) = [step for step in DEPLOY["jobs"]["deploy"]["steps"] if step.get("id") == "verify"]
    assert "!cancelled() && (" in verify["if"]


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        ({"verified": "passed", "rolled-back": "skipped"}, ", verification passed ("),
        (
            {"verified": "failed", "rolled-back": "success", "verified-again": "passed"},
            ", verification failed, rolled back and verification passed (",
        ),
        ({"verified": "failed", "rolled-back": "failure"}, ", verification failed, rollback failed ("),
        ({"verified": "unknown", "rolled-back": "skipped"}, ", verification unknown ("),
        ({}, ", verification not run ("),
    ],
)
def test_a_message_has_both_results(outputs: Mapping[str, str], told: str) -> None:
    (sent,) = [step for step in DEPLOY["jobs"]["notify"]["steps"] if "payload" in step.get("with", {})]
    declared = DEPLOY["jobs"]["deploy"]["outputs"]
    assert outputs.keys() <= declared.keys()
    context = {f"needs.deploy.outputs.{name}": value for name, value in outputs.items()}
    text = re.sub(r"\$\{\{.*?\}\}", lambda found: str(evaluate(found[0], context)), sent["with"]["payload"])
    assert told in text


@pytest.mark.parametrize(
    ("version", "superseded", "chosen"),
    [
        ("", "false", ["Check whether a later commit was already deployed", "Preview", "Bring the stack up"]),
        ("", "true", ["Check whether a later commit was already deployed"]),
        ("12", "", ["Go back to the chosen version"]),
    ],
)
def test_a_version_is_gone_back_to_instead_of_an_update_and_an_older_commit_undoes_nothing(
    version: str, superseded: str, chosen: list[str]
) -> None:
    steps = [step for step in DEPLOY["jobs"]["deploy"]["steps"] if "inputs.rollback" in step.get("if", "")]
    context = {"inputs.rollback": version, "steps.superseded.outputs.superseded": superseded}
    assert [step["name"] for step in steps if evaluate(step["if"], context)] == chosen


@pytest.mark.parametrize(("typed", "full"), [(True, True), (False, "")])
def test_a_rollback_is_in_full_only_where_that_is_asked_for(*, typed: bool, full: Any) -> None:
    """GitHub writes true as a text, and a text that is not empty is what the step asks for."""
    workflow = WORKFLOWS["rollback.yml"]
    assert workflow["on"]["workflow_dispatch"]["inputs"]["full"]["type"] == "boolean"
    assert evaluate(workflow["env"]["FULL"], {"inputs.full": typed}) == full


def test_crane_is_the_toolchains() -> None:
    (step,) = [step for step in ACTIONS["delivery"]["runs"]["steps"] if "crane" in step.get("run", "")]
    crane = next(tool for tool in PINS.tools if tool.name == "crane")
    assert f" -C tools/go/{crane.module.folder} " in step["run"]
    assert crane.package in step["run"]


def test_versions_are_the_toolchains() -> None:
    versions = {
        key: value
        for action in ACTIONS.values()
        for step in action["runs"]["steps"]
        for key, value in step.get("with", {}).items()
        if key.endswith("-version")
    }
    minimum = {runtime.command: runtime.minimum for runtime in PINS.app_tests.runtimes}
    assert versions["pulumi-version"] == next(tool.version for tool in PINS.tools if tool.name == "pulumi")
    assert versions["go-version"] == ".".join(map(str, MINIMUM))
    assert int(versions["node-version"]) >= minimum["node"]
    assert int(versions["java-version"]) >= minimum["java"]
    assert versions["python-version"] == "3.11"


def test_the_checks_that_main_requires_are_jobs() -> None:
    names = {
        re.sub(r"\$\{\{ matrix\.\w+ \}\}", str(value), job.fields["name"])
        for job in jobs()
        if evaluate(job.fields.get("if", "true"), FORK)
        for values in job.fields.get("strategy", {"matrix": {"": [""]}})["matrix"].values()
        for value in values
    }
    assert {*CHECKS} <= names


def test_the_two_parts_of_the_integration_tests_are_all_of_them() -> None:
    whole, *parts = ({*_collected("make", "--dry-run", "integration", *part)} for part in ([], ["PART=1"], ["PART=2"]))
    assert parts[0] | parts[1] == whole
    assert not parts[0] & parts[1]


def _collected(*command: str) -> Sequence[str]:
    """The files of tests that a command of make would run."""
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    asked = shlex.split(next(line for line in told.splitlines() if line.startswith("pytest")), comments=True)[1:]
    ignored = {word.removeprefix("--ignore=") for word in asked if word.startswith("--ignore=")}
    places = [ROOT / word for word in asked if word.startswith("tests/")]
    files = [file for place in places for file in ([place] if place.is_file() else place.glob("test_*.py"))]
    return [file.name for file in files if str(file.relative_to(ROOT)) not in ignored]


def test_whether_images_are_signed_is_what_the_stack_says_in_its_environment() -> None:
    assert DEPLOY["jobs"]["deploy"]["outputs"]["sign"] == "${{ vars.SIGN_IMAGES }}"
    assert "vars.SIGN_IMAGES" not in str(DEPLOY["jobs"]["sign"])


@pytest.mark.parametrize("job", [job for job in jobs() if secrets_in(job.fields) & STATE], ids=str)
def test_whoever_runs_the_program_has_the_history_that_it_reads(job: Job) -> None:
    checkout = next(step for step in job.fields["steps"] if "actions/checkout" in step.get("uses", ""))
    assert checkout["with"]["fetch-depth"] == "0"


def test_the_badge_is_the_workflows() -> None:
    assert (
        f"[![{DEPLOY['name']}](../../actions/workflows/deploy-oke.yml/badge.svg)]" in (ROOT / "README.md").read_text()
    )
