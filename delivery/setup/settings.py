"""The step of `setup` that asks for the stack's settings, each checked at once by the program's own model."""

from delivery.doctor.requirements import REQUIREMENTS
from delivery.engine import stack_config
from delivery.engine.stack_config import StackConfig
from delivery.setup.session import Session
from settings.model import SECRET_KEYS
from system.errors import UserError


def set_settings(session: Session) -> StackConfig:
    """Ask for each setting that is missing or wrong, and return all of them.

    Raises UserError where Pulumi.STACK.yaml has an unknown setting.
    """
    config = session.config()
    if not stack_config.mistakes(config, session.stack):
        return config
    config = _change(session, config)
    for key in session.declarations:
        if not config.values.get(key) or key in stack_config.mistakes(config, session.stack):
            config = _set(session, key, config)
    if mistakes := stack_config.mistakes(config, session.stack):
        listed = "\n".join(f"{key} {mistake}" for key, mistake in mistakes.items())
        raise UserError(f"{session.file} has mistakes: {listed}", f"python -m delivery setup --stack {session.stack}")
    return config


def _change(session: Session, config: StackConfig) -> StackConfig:
    """Show the settings with a value or a default, and ask which to change."""
    session.echo("\nThese settings have a value:")
    shown = [key for key in session.declarations if config.values.get(key)]
    for key in shown:
        value = "(encrypted)" if key in config.encrypted | SECRET_KEYS else config.values[key]
        session.echo(f"  {key} = {value}\n      {session.declarations[key].description}")
    while key := session.ask("A setting to change (Enter for none)"):
        if key in shown:
            config = _set(session, key, config)
        else:
            session.echo(f"{key!r} is not one of these.")
    return config


def _set(session: Session, key: str, config: StackConfig) -> StackConfig:
    """Ask until the answer is valid, and store it; an empty answer is the default."""
    declared = session.declarations[key]
    session.echo(f"\n{key}: {declared.description}")
    if key in REQUIREMENTS:
        session.echo(str(REQUIREMENTS[key]))
    known = config.values.get(key, "")
    mistake = stack_config.mistakes(config, session.stack).get(key) if known else None
    while True:
        if mistake:
            session.echo(f"It {mistake.clause}.")
        value = session.ask_hidden(key) if key in SECRET_KEYS else session.ask(key, declared.default)
        changed = config.with_value(key, value)
        mistake = stack_config.mistakes(changed, session.stack).get(key)
        if not mistake:
            break
    if value not in (known, declared.default) or key in SECRET_KEYS:
        stack_config.store(session.stack, session.environment, key, value)
    elif value != known:
        stack_config.store(session.stack, session.environment, key, "")
    return changed
