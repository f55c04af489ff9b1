"""Where the state of a stack is kept, and what the stack says of itself there and in its settings."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from delivery.doctor.context import SECONDS, NotApplicable, Situation
from delivery.doctor.requirements import BACKEND, PASSPHRASE
from delivery.engine import stack_config, state
from settings.model import commands_for
from system.errors import UserError
from system.process import run


def stacks(environment: Mapping[str, str]) -> list[str]:
    """The stacks of this project that the backend keeps. Raises UserError where it does not answer."""
    if problems := state.backend_problems(environment):
        raise UserError("\n".join(map(str, problems)))
    done = run(["pulumi", "stack", "ls", "--json", "--non-interactive"], environment, seconds=SECONDS)
    if done.code:
        raise UserError(
            f"The state cannot be reached: {stack_config.reason(done.errors)}\n    pulumi stack ls   tells more"
        )
    return [entry["name"] for entry in json.loads(done.output)]


def has_stack(seen: Situation) -> bool:
    """Whether the backend keeps the stack. Raises UserError where it does not answer."""
    return seen.stack.rpartition("/")[2] in [name.rpartition("/")[2] for name in stacks(seen.environment)]


def shown(backend: str) -> str:
    """A backend's URL without the password that it may hold."""
    url = urlsplit(backend)
    return backend.replace(f":{url.password}@", ":…@") if url.password else backend


def kept(seen: Situation) -> str:
    stacks(seen.environment)
    return f"kept at {shown(seen.environment[BACKEND])}"


def stack(seen: Situation) -> str:
    try:
        there = has_stack(seen)
    except UserError:
        raise NotApplicable("the state cannot be reached") from None
    if not there:
        raise UserError(f"There is no stack {seen.stack}.\n    python -m delivery setup --stack {seen.stack}")
    return seen.stack


def passphrase(seen: Situation) -> str:
    """Let the engine decrypt the stack's secrets."""
    file = stack_config.stack_file(seen.stack)
    if problems := state.secrets_problems(seen.environment, file):
        raise UserError("\n".join(map(str, problems)))
    try:
        _config(seen)
    except UserError as error:
        if state.INCORRECT_PASSPHRASE in error.message:
            raise UserError(
                f"The passphrase does not decrypt the secrets of {file}.",
                f"read -rs {PASSPHRASE} && export {PASSPHRASE}",
            ) from None
        raise NotApplicable("the settings cannot be read") from None
    return f"decrypts the secrets of {file}"


def settings(seen: Situation) -> str:
    config = _config(seen)
    if mistakes := stack_config.mistakes(config):
        told = "\n".join(f"{key} {mistake}" for key, mistake in mistakes.items())
        raise UserError(commands_for(seen.stack, told))
    return f"complete, {len(config.encrypted)} of them encrypted"


def _config(seen: Situation) -> stack_config.StackConfig:
    return seen.config or stack_config.load(seen.stack, seen.environment, SECONDS)
