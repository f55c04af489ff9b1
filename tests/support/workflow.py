"""The workflows of this repository, and the rules of GitHub that the tests need."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
FILES = sorted([*GITHUB.glob("workflows/*.yml"), *GITHUB.glob("actions/*/action.yml")])
JOB_TOKEN = "github.token"

_REFERENCE = re.compile(r"\b(?:github|vars|inputs|needs|steps|secrets|runner)(?:\.[\w-]+)+")


def _load(path: Path) -> Any:
    # Every scalar as its text, so that `on` is no boolean.
    return yaml.load(path.read_text(), yaml.BaseLoader)  # noqa: S506 (the safest of all loaders)


WORKFLOWS: Mapping[str, Any] = {path.name: _load(path) for path in FILES if path.name != "action.yml"}
ACTIONS: Mapping[str, Any] = {path.parent.name: _load(path) for path in FILES if path.name == "action.yml"}


def secrets_in(fields: Any) -> set[str]:
    """The secrets that expressions read, JOB_TOKEN included; `*` for an expression that reads a whole context."""
    found: set[str] = set()
    for expression in re.findall(r"\$\{\{(.*?)\}\}", str(fields), re.DOTALL):
        found |= set(re.findall(r"\bsecrets\.(\w+)", expression))
        found |= {JOB_TOKEN} if JOB_TOKEN in expression else set()
        found |= {"*"} if re.search(r"\b(secrets|github)\b(?!\.\w)", expression) else set()
    return found


@dataclass(frozen=True)
class Step:
    where: str  # the job, or the action of this repository
    fields: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Its name, or the action that it uses."""
        return self.fields.get("name") or self.fields["uses"].partition("@")[0]

    @property
    def command(self) -> str:
        """The line that it runs, with the command of an action in the same form."""
        if self.fields.get("uses", "").startswith("pulumi/actions@") and "command" in self.fields["with"]:
            return f"pulumi {self.fields['with']['command']}"
        return self.fields.get("run", "")

    @property
    def secrets(self) -> set[str]:
        return secrets_in(self.fields)

    def __str__(self) -> str:
        return f"{self.where}: {self.title}"


@dataclass(frozen=True)
class Job:
    workflow: str
    name: str
    fields: Mapping[str, Any]

    @property
    def steps(self) -> list[Step]:
        return [Step(str(self), fields) for fields in self.fields["steps"]]

    @property
    def secrets(self) -> set[str]:
        """Without the job's own token."""
        return secrets_in(self.fields) - {JOB_TOKEN}

    @property
    def permissions(self) -> Mapping[str, str]:
        return self.fields["permissions"] or {}

    @property
    def environment(self) -> str | None:
        environment = self.fields.get("environment")
        return environment["name"] if isinstance(environment, Mapping) else environment

    @property
    def needs(self) -> set[str]:
        needs = self.fields.get("needs", [])
        return {needs} if isinstance(needs, str) else set(needs)

    def uses(self, action: str) -> bool:
        return any(action in step.fields.get("uses", "") for step in self.steps)

    def __str__(self) -> str:
        return f"{self.workflow} {self.name}"


JOBS = [Job(name, job, fields) for name, workflow in WORKFLOWS.items() for job, fields in workflow["jobs"].items()]


STEPS = [
    *(step for job in JOBS for step in job.steps),
    *(Step(f"action {name}", fields) for name, action in ACTIONS.items() for fields in action["runs"]["steps"]),
]


def started(workflow: str, context: Mapping[str, Any]) -> set[str]:
    """Return the jobs that run if each one succeeds.

    A job whose needs were skipped is skipped, unless its condition has always().
    """
    run: set[str] = set()
    for job in (job for job in JOBS if job.workflow == workflow):
        condition = job.fields.get("if", "true")
        if evaluate(condition, context) and (job.needs <= run or "always()" in condition):
            run.add(job.name)
    return run


def evaluate(expression: str, context: Mapping[str, Any]) -> Any:
    """Return the value of an expression, with or without ${{ }}.

    A name that the context lacks is "", which is false like null. `failure()` is a name of the context too.

    Source: https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
    """
    python = expression.removeprefix("${{").removesuffix("}}").strip()
    python = _REFERENCE.sub(lambda match: f"value({match[0]!r})", python)
    python = python.replace("&&", " and ").replace("||", " or ").replace("\n", " ")
    python = re.sub(r"!(?!=)", " not ", python)
    names = {
        "value": lambda name: context.get(name, ""),
        "always": lambda: True,
        "cancelled": lambda: False,
        "failure": lambda: context.get("failure()", False),
        "true": True,
        "false": False,
    }
    return eval(python, {"__builtins__": {}}, names)  # noqa: S307 (it is this repository's own)
