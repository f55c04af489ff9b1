"""Every `run:` of the workflows, in a shell as GitHub's runner starts it, with fake commands around it."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from delivery import __main__ as delivery
from tests.support.project import PACKAGES
from tests.support.workflow import JOBS, ROOT, STEPS, WORKFLOWS, Step
from tests.support.workflow_commands import FakeCommand

RUNS = [step for step in STEPS if "run" in step.fields]
FAKES = ("make", "pulumi", "gh", "go", "cosign")
# An input is whatever somebody types.
HOSTILE = """x"; touch pwned; $(touch pwned) `touch pwned` ' --yes"""


class Runner:
    """A machine of GitHub's, with the repository in its working folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.summary = folder / "summary"
        self._temporary = folder / "temporary"
        for each in (self.folder / ".venv/bin", folder / "bin", self._temporary):
            each.mkdir(parents=True)
        self.python = FakeCommand(self.folder / ".venv/bin/python")
        self.commands = {name: FakeCommand(folder / "bin" / name) for name in FAKES}
        self._path = os.pathsep.join([str(folder / "bin"), "/usr/bin", "/bin"])
        (self._temporary / "drift").touch()  # of the step before the one that reads it

    def have_delivery(self, *commands: str) -> None:
        """Let these commands of `python -m delivery` be the real ones."""
        for package in PACKAGES:
            (self.folder / package).symlink_to(ROOT / package)
        for command in commands:
            self.python.respond("-m", "delivery", command, command=Path(sys.executable))

    def run(self, step: Step, **values: str) -> subprocess.CompletedProcess[str]:
        """Run a step with these values of its environment, and for the others their names in lower case."""
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
        script = self._temporary / "script.sh"
        script.write_text(step.fields["run"])
        return subprocess.run(
            [shutil.which("bash") or "bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.folder,
            env={
                "PATH": self._path,
                "HOME": str(self._temporary),
                "RUNNER_TEMP": str(self._temporary),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                "GITHUB_PATH": str(self._temporary / "path"),
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "owner/name",
                "GITHUB_RUN_ID": "42",
                **{name: values.get(name, name.lower()) for name in variables(step)},
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def delivery_calls(self, command: str) -> list[list[str]]:
        """The arguments of each call of a command of `python -m delivery`."""
        return [call.arguments[2:] for call in self.python.calls if call.arguments[2] == command]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def variables(step: Step) -> set[str]:
    """The environment variables that the step, its job and its workflow declare."""
    levels = [level for job in JOBS if str(job) == step.where for level in (WORKFLOWS[job.workflow], job.fields)]
    return {name for level in (*levels, step.fields) for name in level.get("env", {})}


def step_of(job: str, title: str) -> Step:
    return next(step for step in RUNS if (step.where, step.title) == (job, title))


@pytest.mark.parametrize("step", RUNS, ids=str)
def test_a_step_is_one_line_of_bash_without_expressions(step: Step) -> None:
    assert "\n" not in step.fields["run"].strip()
    assert "${{" not in step.fields["run"]
    defaults = [WORKFLOWS[job.workflow]["defaults"]["run"] for job in JOBS if str(job) == step.where]
    assert (defaults or [step.fields])[0]["shell"] == "bash"


class ParsedError(Exception):
    """The parser knows all arguments."""


def only_parse(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    _, unknown = parser.parse_known_args(arguments)
    raise ParsedError if not unknown else AssertionError(unknown)


@pytest.mark.parametrize("step", RUNS, ids=str)
def test_a_step_succeeds_and_calls_each_of_its_commands_once(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    done = runner.run(step, VERSION="12")

    assert (done.returncode, done.stderr) == (0, "")
    called = [call.arguments[2] for call in runner.python.calls]
    called += [name for name, command in runner.commands.items() for _ in command.calls]
    line = step.fields["run"]
    commands = re.findall(r"-m delivery (\S+)", line) + re.findall(r"^(?:make|pulumi|go|cosign)", line)
    assert sorted(called) == sorted(commands)
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
    for call in runner.python.calls:
        with pytest.raises(ParsedError):
            delivery.main(call.arguments[2:])
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {target for call in runner.commands["make"].calls for target in call.arguments} <= targets


@pytest.mark.parametrize("step", [step for step in RUNS if variables(step) & {"STACK", "VERSION"}], ids=str)
def test_an_input_is_one_argument_and_no_command(runner: Runner, step: Step) -> None:
    runner.run(step, STACK=HOSTILE, VERSION=HOSTILE)

    called = [runner.python, *runner.commands.values()]
    arguments = [argument for command in called for call in command.calls for argument in call.arguments]
    assert not list(runner.folder.rglob("pwned"))
    assert "--yes" not in arguments or "--yes" in step.fields["run"]
    assert any(HOSTILE in argument for argument in arguments)


@pytest.mark.parametrize(
    ("job", "title", "last"), [("preview", "Preview", "--preview"), ("rollback", "Roll back", "--yes")]
)
@pytest.mark.parametrize(
    ("version", "full", "arguments"),
    [("", "", []), ("12", "", ["--to=12"]), ("12", "true", ["--to=12", "--full"])],
    ids=["last good", "version", "full"],
)
def test_the_previewed_rollback_is_the_one_that_runs(  # noqa: PLR0913, PLR0917 (two tables)
    runner: Runner, job: str, title: str, last: str, version: str, full: str, arguments: list[str]
) -> None:
    runner.run(step_of(f"rollback.yml {job}", title), STACK="oke", VERSION=version, FULL=full)

    assert runner.delivery_calls("rollback") == [["rollback", "--stack", "oke", *arguments, last]]


@pytest.mark.parametrize("code", [0, 1, 3])
@pytest.mark.parametrize("step", [step for step in RUNS if "-m delivery verify" in step.command], ids=str)
def test_a_step_fails_with_its_verification(runner: Runner, step: Step, code: int) -> None:
    runner.python.respond("-m", "delivery", "verify", stdout="frontend runs\n", code=code)

    done = runner.run(step)

    assert (done.returncode, done.stdout) == (code, "frontend runs\n")


@pytest.mark.parametrize("code", [0, 1])
def test_the_automatic_rollback_restores_the_verified_update_and_is_summarized(runner: Runner, code: int) -> None:
    runner.have_delivery("summary")
    runner.python.respond("-m", "delivery", "rollback", stdout="on stdout\n", stderr="on stderr\n", code=code)

    done = runner.run(step_of("deploy-oke.yml deploy", "Roll back"), STACK="oke")

    assert done.returncode == code
    assert all(text in runner.summary.read_text() for text in ("## Rollback", "on stdout", "on stderr"))
    assert runner.delivery_calls("rollback") == [["rollback", "--stack", "oke", "--to", "verified", "--yes"]]


@pytest.mark.parametrize("operation", ["update", "same"])
def test_drift_reaches_the_issue_without_secrets(runner: Runner, operation: str) -> None:
    runner.have_delivery("drift", "drift-issue", "summary")
    state = {"urn": "urn:pulumi:oke::todo-oke::a:b:C::one", "inputs": {"password": "canary-password"}}
    preview = {"steps": [{"op": operation, "urn": state["urn"], "newState": state}]}
    runner.commands["pulumi"].respond("preview", stdout=json.dumps(preview))
    runner.commands["pulumi"].respond("stack", "output", stdout="{}")
    issues = [{"number": 7, "title": "Stack oke has drifted"}]
    runner.commands["gh"].respond("issue", "list", stdout=json.dumps(issues))
    detect, update = (step_of("drift.yml drift", title) for title in ("Preview after a refresh", "Update the issue"))
    secrets = {name: f"canary-{name}" for name in detect.fields["env"]}

    detected = runner.run(detect, STACK="oke", **secrets)
    updated = runner.run(update, STACK="oke", GH_TOKEN="canary-token")

    assert (detected.returncode, updated.returncode) == (0, 0)
    pulumi, gh = runner.commands["pulumi"].calls[0], runner.commands["gh"].calls[-1]
    drifted = operation == "update"
    assert gh.arguments[:3] == ["issue", "edit" if drifted else "close", "7"]
    assert ("a:b:C::one" in runner.summary.read_text(), "a:b:C::one" in str(gh.stdin)) == (drifted, drifted)
    printed = (detected.stdout, detected.stderr, updated.stdout, updated.stderr, runner.summary.read_text())
    assert "canary" not in "\n".join((*printed, str(gh.stdin), *gh.arguments))
    assert pulumi.environment.items() >= secrets.items()
    assert "canary-token" not in pulumi.environment.values()
    assert [value for value in gh.environment.values() if "canary" in value] == ["canary-token"]


def test_a_failed_drift_detection_fails_its_step(runner: Runner) -> None:
    runner.have_delivery("drift", "summary")
    runner.commands["pulumi"].respond("preview", stderr="error: the cluster is unreachable\n", code=1)

    done = runner.run(step_of("drift.yml drift", "Preview after a refresh"), STACK="oke")

    assert done.returncode == 1
    assert "error: the cluster is unreachable\nerror: " in done.stderr


def test_images_are_signed_by_their_digests(runner: Runner) -> None:
    digests = {"FRONTEND": f"ghcr.io/owner/a@sha256:{'1' * 64}", "BACKEND": f"ghcr.io/owner/b@sha256:{'2' * 64}"}

    runner.run(step_of("deploy-oke.yml sign", "Sign by digest"), **digests)

    (signed,) = runner.commands["cosign"].calls
    assert signed.arguments == ["sign", "--yes", *digests.values()]
