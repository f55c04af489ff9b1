"""The workflows of this repository, and GitHub's rules for them as far as the tests need them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
FILES = sorted(GITHUB.glob("workflows/*.yml"))
ACTION_FILES = sorted(GITHUB.glob("actions/*/action.yml"))

_REFERENCE = re.compile(r"\b(?:github|vars|inputs|needs|steps|secrets|runner)(?:\.[\w-]+)+")


def _load(path: Path) -> Any:
    # Every scalar as its text, so that `on` is no boolean.
    return yaml.load(path.read_text(), yaml.BaseLoader)  # noqa: S506 (the safest of all loaders)


WORKFLOWS: Mapping[str, Any] = {path.name: _load(path) for path in FILES}
ACTIONS: Mapping[str, Any] = {path.parent.name: _load(path) for path in ACTION_FILES}


@dataclass(frozen=True)
class Job:
    workflow: str
    name: str
    fields: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.workflow} {self.name}"


@dataclass(frozen=True)
class Step:
    """where: the job, or the action of our own."""

    where: str
    fields: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Its name, or the action that it uses."""
        return self.fields.get("name") or self.fields["uses"].partition("@")[0]

    def __str__(self) -> str:
        return f"{self.where}: {self.title}"


def jobs() -> Iterator[Job]:
    for name, workflow in WORKFLOWS.items():
        for job, fields in workflow["jobs"].items():
            yield Job(name, job, fields)


def steps() -> Iterator[Step]:
    """All steps, those of the actions of our own too."""
    for job in jobs():
        for fields in job.fields["steps"]:
            yield Step(str(job), fields)
    for action, content in ACTIONS.items():
        for fields in content["runs"]["steps"]:
            yield Step(f"action {action}", fields)


def evaluate(expression: str, context: Mapping[str, Any]) -> Any:
    """The value of an expression, with or without ${{ }}; what the context lacks is "", which is false, as null is.

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
        "true": True,
        "false": False,
    }
    return eval(python, {"__builtins__": {}}, names)  # noqa: S307 (it is this repository's own)
