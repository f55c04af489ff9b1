"""A stack's settings as `pulumi config` keeps them: read, checked by the program's own model, and set."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from settings import model
from system.errors import UserError
from system.process import run

PROJECT_FILE = Path("Pulumi.yaml")

_SECONDS = 60


@dataclass(frozen=True, repr=False)
class StackConfig:
    """The value of each setting, in plain text, and the names of the encrypted ones. No value means an empty one."""

    values: Mapping[str, str]
    encrypted: frozenset[str]

    def with_value(self, key: str, value: str) -> "StackConfig":
        """What it would be if a setting were set, as `store` would do it."""
        others = self.encrypted - {key}
        return StackConfig(
            {**self.values, key: value}, others | {key} if value and key in model.SECRET_KEYS else others
        )


@dataclass(frozen=True)
class Declaration:
    """What Pulumi.yaml says of a setting."""

    default: str
    description: str


def declarations() -> Mapping[str, Declaration]:
    """Of each setting, in the order in which the model parses them: whether one is needed depends on those before it.

    Raises UserError outside of the project's folder.
    """
    try:
        declared: Mapping[str, Any] = yaml.safe_load(PROJECT_FILE.read_text(encoding="utf-8"))["config"]
    except FileNotFoundError:
        raise UserError(f"There is no {PROJECT_FILE} here.\n    cd   to the project's folder") from None
    return {key: Declaration(declared[key]["default"], declared[key]["description"]) for key in model.KEYS}


def stack_file(stack: str) -> Path:
    """Where the settings of a stack are kept; stack: its name, after ORGANISATION/ where there is one."""
    return Path(f"Pulumi.{stack.rpartition('/')[2]}.yaml")


def load(stack: str, environment: Mapping[str, str], seconds: float = _SECONDS) -> StackConfig:
    """The settings of a stack, defaults included. Raises UserError where the engine does not tell them."""
    done = run(["pulumi", "config", "--json", "--show-secrets", "--stack", stack, _QUIET], environment, "", seconds)
    if done.code:
        raise UserError(f"The settings of stack {stack} cannot be read: {reason(done.errors)}")
    entries = {key.partition(":")[2]: entry for key, entry in json.loads(done.output).items()}
    return StackConfig(
        {key: str(entry.get("value", "")) for key, entry in entries.items()},
        frozenset(key for key, entry in entries.items() if entry["secret"]),
    )


def store(stack: str, environment: Mapping[str, str], key: str, value: str) -> None:
    """Sets a setting, encrypted where it is a secret, or removes it where the value is empty. Raises UserError."""
    kind = ["--secret"] if key in model.SECRET_KEYS else ["--plaintext"]
    command = ["set", key, *kind] if value else ["rm", key]
    # On standard input, because everybody on this machine can read the arguments of a command.
    done = run(["pulumi", "config", *command, "--stack", stack, _QUIET], environment, value, _SECONDS)
    if done.code:
        raise UserError(f"{key} cannot be set: {reason(done.errors)}")


def mistakes(config: StackConfig) -> Mapping[str, str]:
    """By setting, what is wrong with it: a clause that follows its name, and below it the command that mends it."""
    try:
        model.parse(config.values, config.encrypted)
    except model.SettingsError as error:
        return error.mistakes
    return {}


def reason(errors: str) -> str:
    """Why `pulumi` failed, of what it printed."""
    return errors.strip().removeprefix("error: ")


_QUIET = "--non-interactive"
