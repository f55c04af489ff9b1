"""Checks of the backend that keeps the state, and of the stack's settings."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from delivery.doctor.context import TIMEOUT_SECONDS, Context, NotApplicable
from delivery.doctor.requirements import BACKEND, PASSPHRASE
from delivery.engine import stack_config
from delivery.engine.state import INCORRECT_PASSPHRASE, backend_problems, secrets_problems
from system.errors import UserError
from system.process import run


def list_stacks(environment: Mapping[str, str], timeout: float = TIMEOUT_SECONDS) -> list[str]:
    """Return the project's stacks in the backend. Raises UserError where it cannot be reached."""
    if problems := backend_problems(environment):
        raise UserError("\n".join(map(str, problems)))
    done = run(["pulumi", "stack", "ls", "--json", "--non-interactive"], environment, seconds=timeout)
    if done.code:
        raise UserError(f"The state cannot be reached: {stack_config.reason(done.errors)}", "pulumi stack ls")
    return [entry["name"] for entry in json.loads(done.output)]


def has_stack(context: Context) -> bool:
    """Return whether the backend has the stack. Raises UserError where it cannot be reached."""
    names = list_stacks(context.environment, context.timeout)
    return context.stack.rpartition("/")[2] in [name.rpartition("/")[2] for name in names]


def redacted(backend: str) -> str:
    """Return a backend's URL without its password."""
    url = urlsplit(backend)
    return backend.replace(f":{url.password}@", ":…@") if url.password else backend


def shell_word(backend: str) -> str:
    """Return a backend's URL for a command that a user pastes; by its variable where it has a password."""
    return f"'{backend}'" if redacted(backend) == backend else f'"${BACKEND}"'


def state(context: Context) -> str:
    list_stacks(context.environment, context.timeout)
    return f"reachable at {redacted(context.environment[BACKEND])}"


def stack(context: Context) -> str:
    try:
        exists = has_stack(context)
    except UserError:
        raise NotApplicable("the state cannot be reached") from None
    if not exists:
        raise UserError(f"There is no stack {context.stack}.", f"python -m delivery setup --stack {context.stack}")
    return context.stack


def passphrase(context: Context) -> str:
    """Let the engine decrypt the stack's secrets."""
    file = stack_config.stack_file(context.stack)
    if problems := secrets_problems(context.environment, file):
        raise UserError("\n".join(map(str, problems)))
    try:
        _config(context)
    except UserError as error:
        if INCORRECT_PASSPHRASE in error.message:
            raise UserError(
                f"The passphrase does not decrypt the secrets of {file}.",
                f"read -rs {PASSPHRASE} && export {PASSPHRASE}",
            ) from None
        raise NotApplicable("the settings cannot be read") from None
    return f"decrypts the secrets of {file}"


def settings(context: Context) -> str:
    config = _config(context)
    if mistakes := stack_config.mistakes(config, context.stack):
        raise UserError("\n".join(f"{key} {mistake}" for key, mistake in mistakes.items()))
    return f"complete, {len(config.encrypted)} encrypted"


def _config(context: Context) -> stack_config.StackConfig:
    return context.config or stack_config.load(context.stack, context.environment, context.timeout)
