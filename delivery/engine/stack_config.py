"""A stack's settings in `pulumi config`: read, validated by the program's own model, and set."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from settings import model
from system.errors import UserError
from system.process import run

_PROJECT_FILE = Path("Pulumi.yaml")
_TIMEOUT = 60  # seconds
_QUIET = "--non-interactive"


@dataclass(frozen=True, repr=False)
class StackConfig:
    """The settings of a stack, secrets in plain text."""

    values: Mapping[str, str]  # defaults included; an empty text is no value
    encrypted: frozenset[str]

    def with_value(self, key: str, value: str) -> "StackConfig":
        """Return the settings as they would be after `store`."""
        others = self.encrypted - {key}
        return StackConfig(
            {**self.values, key: value}, others | {key} if value and key in model.SECRET_KEYS else others
        )


@dataclass(frozen=True)
class Declaration:
    """A setting in Pulumi.yaml."""

    default: str
    description: str


def declarations() -> Mapping[str, Declaration]:
    """Return each setting's declaration, in the model's order: a requirement depends on the settings before it.

    Raises UserError outside of the project's folder.
    """
    try:
        declared: Mapping[str, Any] = yaml.safe_load(_PROJECT_FILE.read_text(encoding="utf-8"))["config"]
    except FileNotFoundError:
        raise UserError(f"{_PROJECT_FILE} is not in {Path.cwd()}.", "cd PROJECT") from None
    return {key: Declaration(declared[key]["default"], declared[key]["description"]) for key in model.KEYS}


def stack_file(stack: str) -> Path:
    """Return the path of a stack's settings; stack: its name, which may have ORGANISATION/ in front."""
    return Path(f"Pulumi.{stack.rpartition('/')[2]}.yaml")


def load(stack: str, environment: Mapping[str, str], seconds: float = _TIMEOUT) -> StackConfig:
    """Return the settings of a stack. Raises UserError where the engine cannot read them."""
    done = run(["pulumi", "config", "--json", "--show-secrets", "--stack", stack, _QUIET], environment, "", seconds)
    if done.code:
        raise UserError(f"The settings of stack {stack} cannot be read: {reason(done.errors)}")
    entries = {key.partition(":")[2]: entry for key, entry in json.loads(done.output).items()}
    return StackConfig(
        {key: str(entry.get("value", "")) for key, entry in entries.items()},
        frozenset(key for key, entry in entries.items() if entry["secret"]),
    )


def store(stack: str, environment: Mapping[str, str], key: str, value: str) -> None:
    """Set a setting, encrypted where it is a secret, or remove it where the value is empty. Raises UserError."""
    kind = ["--secret"] if key in model.SECRET_KEYS else ["--plaintext"]
    command = ["set", key, *kind] if value else ["rm", key]
    # On standard input, because everybody on this machine can read the arguments of a command.
    done = run(["pulumi", "config", *command, "--stack", stack, _QUIET], environment, value, _TIMEOUT)
    if done.code:
        raise UserError(f"{key} cannot be set: {reason(done.errors)}")


def mistakes(config: StackConfig, stack: str) -> Mapping[str, model.Mistake]:
    """Return the mistakes in a stack's settings, by setting."""
    try:
        model.parse(config.values, config.encrypted, stack)
    except model.SettingsError as error:
        return error.mistakes
    return {}


def reason(errors: str) -> str:
    """Return why `pulumi` failed, from its standard error."""
    return errors.strip().removeprefix("error: ")
