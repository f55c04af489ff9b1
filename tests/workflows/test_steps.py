"""Every `run:` of the workflows in a shell as GitHub's runner starts it, with stand-ins for what is beyond it."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from delivery import __main__ as delivery
from tests.support.project import PACKAGES
from tests.support.workflow import ROOT, WORKFLOWS, Job, Step, jobs, steps
from tests.support.workflow_commands import StandIn

RUNS = [step for step in steps() if "run" in step.fields]
STAND_INS = ("make", "pulumi", "gh", "go", "cosign")
# An input is whatever somebody types.
HOSTILE = """x"; touch pwned; $(touch pwned) `touch pwned` ' --yes"""


class Runner:
    """A machine of GitHub's, with the repository in its working folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.python = StandIn(self.folder / ".venv" / "bin" / "python")
        self.commands = {name: StandIn(folder / "bin" / name) for name in STAND_INS}
        self.summary = folder / "summary"
        self._path = os.pathsep.join([str(folder / "bin"), "/usr/bin", "/bin"])
        self._temporary = folder / "temporary"
        self._temporary.mkdir()
        (self._temporary / "drift").touch()  # of the step before the one that tells it

    def have_delivery(self, *commands: str) -> None:
        """Lets these commands of `python -m delivery` be the real ones."""
        for package in PACKAGES:
            (self.folder / package).symlink_to(ROOT / package)
        for command in commands:
            self.python.run_really("-m", "delivery", command, command=Path(sys.executable))

    def run(self, step: Step, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
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
                **environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def job_of(step: Step) -> Job | None:
    return next((job for job in jobs() if str(job) == step.where), None)


def environment_of(step: Step, **values: str) -> Mapping[str, str]:
    """What its environment names: these values, and for all that is left the name in lower case."""
    job = job_of(step)
    above = [WORKFLOWS[job.workflow].get("env", {}), job.fields.get("env", {})] if job else []
    names: set[str] = {name for level in [*above, step.fields.get("env", {})] for name in level}
    values = {"VERSION": "12", **values}
    return {name: values.get(name, name.lower()) for name in names}


class ParsedError(Exception):
    """The arguments are what the command takes."""


def only_parse(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    _, unknown = parser.parse_known_args(arguments)
    raise ParsedError if not unknown else AssertionError(unknown)


def step_of(job: str, title: str) -> Step:
    return next(step for step in RUNS if (step.where, step.title) == (job, title))


@pytest.mark.parametrize("step", RUNS, ids=str)
def test_a_step_is_one_line_of_a_named_shell_without_expressions(step: Step) -> None:
    assert "\n" not in step.fields["run"].strip()
    assert "${{" not in step.fields["run"]
    job = job_of(step)
    defaults = WORKFLOWS[job.workflow]["defaults"]["run"] if job else step.fields
    assert defaults["shell"] == "bash"


@pytest.mark.parametrize("step", RUNS, ids=str)
def test_a_step_does_what_its_commands_do(runner: Runner, step: Step) -> None:
    """It uses each command that it names once, and succeeds where they do."""
    done = runner.run(step, environment_of(step))

    assert (done.returncode, done.stderr) == (0, "")
    called = [call.arguments[2] for call in runner.python.calls]
    called += [name for name, command in runner.commands.items() for _ in command.calls]
    line = step.fields["run"]
    assert sorted(called) == sorted(
        re.findall(r"-m delivery (\S+)", line) + re.findall(r"^(?:make|pulumi|go|cosign)", line)
    )


@pytest.mark.parametrize("step", RUNS, ids=str)
def test_a_steps_commands_exist(runner: Runner, monkeypatch: pytest.MonkeyPatch, step: Step) -> None:
    runner.run(step, environment_of(step))
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)

    for call in runner.python.calls:
        assert call.arguments[:2] == ["-m", "delivery"]
        with pytest.raises(ParsedError):
            delivery.main(call.arguments[2:])
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {target for call in runner.commands["make"].calls for target in call.arguments} <= targets


@pytest.mark.parametrize("step", RUNS, ids=str)
def test_what_somebody_types_is_one_argument_and_no_command(runner: Runner, step: Step) -> None:
    typed = {name: HOSTILE for name in ("STACK", "VERSION") if name in environment_of(step)}

    runner.run(step, environment_of(step, **typed))

    called = [runner.python, *runner.commands.values()]
    arguments = [argument for command in called for call in command.calls for argument in call.arguments]
    assert not list(runner.folder.rglob("pwned"))
    assert "--yes" not in arguments or "--yes" in step.fields["run"]
    assert bool(typed) == any(HOSTILE in argument for argument in arguments)


@pytest.mark.parametrize(
    ("title", "last"), [("Preview", "--preview"), ("Roll back", "--yes")], ids=["preview", "rollback"]
)
@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        ({"VERSION": "", "FULL": ""}, []),
        ({"VERSION": "12", "FULL": ""}, ["--to=12"]),
        ({"VERSION": "12", "FULL": "true"}, ["--to=12", "--full"]),
    ],
    ids=["last good", "version", "in full"],
)
def test_the_rollback_that_is_previewed_is_the_one_that_is_done(
    runner: Runner, title: str, last: str, typed: Mapping[str, str], arguments: list[str]
) -> None:
    step = step_of(f"rollback.yml {'preview' if title == 'Preview' else 'rollback'}", title)

    runner.run(step, environment_of(step, STACK="oke", **typed))

    rollback = next(call for call in runner.python.calls if call.arguments[2] == "rollback")
    assert rollback.arguments[2:] == ["rollback", "--stack", "oke", *arguments, last]


@pytest.mark.parametrize("code", [0, 1, 3])
@pytest.mark.parametrize(
    ("job", "title"),
    [
        ("deploy-oke.yml deploy", "Verify"),
        ("deploy-oke.yml deploy", "Verify again"),
        ("rollback.yml rollback", "Verify"),
    ],
)
def test_a_verification_decides(runner: Runner, job: str, title: str, code: int) -> None:
    runner.python.answer("-m", "delivery", "verify", stdout="frontend runs\n", code=code)
    step = step_of(job, title)

    done = runner.run(step, environment_of(step))

    assert (done.returncode, done.stdout) == (code, "frontend runs\n")


@pytest.mark.parametrize("code", [0, 1])
def test_the_automatic_rollback_is_to_the_last_verified_update_and_on_the_page(runner: Runner, code: int) -> None:
    runner.have_delivery("summary")
    runner.python.answer("-m", "delivery", "rollback", stdout="back to update 5\n", stderr="as it is\n", code=code)
    step = step_of("deploy-oke.yml deploy", "Roll back")

    done = runner.run(step, environment_of(step, STACK="oke"))

    assert done.returncode == code
    assert "## Rollback" in runner.summary.read_text()
    assert all(line in runner.summary.read_text() for line in ("back to update 5", "as it is"))
    rollback = next(call for call in runner.python.calls if call.arguments[2] == "rollback")
    assert rollback.arguments[2:] == ["rollback", "--stack", "oke", "--to", "verified", "--yes"]


@pytest.mark.parametrize(
    ("operation", "told"), [("update", "update a:b:C::one\n"), ("same", "nothing\n")], ids=["drift", "none"]
)
def test_drift_goes_from_the_preview_to_the_issue_and_no_secret_goes_with_it(
    runner: Runner, operation: str, told: str
) -> None:
    runner.have_delivery("drift", "drift-issue", "summary")
    state = {"urn": "urn:pulumi:oke::todo-oke::a:b:C::one", "inputs": {"password": "canary-password"}}
    preview = {"steps": [{"op": operation, "urn": state["urn"], "newState": state}]}
    runner.commands["pulumi"].answer("preview", stdout=json.dumps(preview))
    runner.commands["pulumi"].answer("stack", "output", stdout="{}")
    issues = [{"number": 7, "title": "Stack oke has drifted"}]
    runner.commands["gh"].answer("issue", "list", stdout=json.dumps(issues))
    look, tell = (step_of("drift.yml drift", title) for title in ("Preview after a refresh", "Tell it in the issue"))
    secrets = {name: f"canary-{name}" for name in look.fields["env"]}

    looked = runner.run(look, environment_of(look, STACK="oke", **secrets))
    done = runner.run(tell, environment_of(tell, STACK="oke", GH_TOKEN="canary-token"))

    assert (looked.returncode, done.returncode) == (0, 0)
    assert told in runner.summary.read_text()
    assert "canary" not in looked.stdout + looked.stderr + done.stdout + done.stderr + runner.summary.read_text()
    *_, written = runner.commands["gh"].calls
    assert written.arguments[:3] == ["issue", "edit" if operation == "update" else "close", "7"]
    assert ("- `update a:b:C::one`" in written.stdin) == (operation == "update")
    assert "canary" not in written.stdin + " ".join(written.arguments)
    asked = runner.commands["pulumi"].calls[0]
    assert asked.environment.items() >= secrets.items()
    assert "canary-token" not in asked.environment.values()
    assert not set(secrets.values()) & set(written.environment.values())
    assert written.environment["GH_TOKEN"] == "canary-token"


def test_a_look_for_drift_that_fails_closes_no_issue(runner: Runner) -> None:
    runner.have_delivery("drift", "summary")
    runner.commands["pulumi"].answer("preview", stderr="error: the cluster does not answer\n", code=1)
    look = step_of("drift.yml drift", "Preview after a refresh")

    done = runner.run(look, environment_of(look, STACK="oke"))

    assert done.returncode == 1
    assert "error: the cluster does not answer\nerror: There is no preview of stack oke." in done.stderr


def test_the_images_are_signed_by_their_digests(runner: Runner) -> None:
    digests = {"FRONTEND": f"ghcr.io/owner/a@sha256:{'1' * 64}", "BACKEND": f"ghcr.io/owner/b@sha256:{'2' * 64}"}

    runner.run(step_of("deploy-oke.yml sign", "Sign by digest"), digests)

    (signed,) = runner.commands["cosign"].calls
    assert signed.arguments == ["sign", "--yes", *digests.values()]
