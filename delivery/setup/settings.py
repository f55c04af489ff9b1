"""The part of `setup` that asks for the stack's settings, each checked at once as the program would."""

from delivery.doctor.requirements import ACCOUNTS
from delivery.engine import stack_config
from delivery.engine.stack_config import StackConfig
from delivery.setup.session import Session
from settings.model import SECRET_KEYS
from system.errors import UserError


def set_settings(session: Session) -> StackConfig:
    """Asks for every setting without a value, or with a wrong one; for none where none is missing. Returns them all.

    Raises UserError where Pulumi.STACK.yaml has what is no setting.
    """
    config = session.config()
    if not stack_config.mistakes(config):
        return config
    config = _change(session, config)
    for key in session.declarations:
        if not config.values.get(key) or key in stack_config.mistakes(config):
            config = _set(session, key, config)
    if mistakes := stack_config.mistakes(config):
        listed = "\n".join(f"{key} {mistake}" for key, mistake in mistakes.items())
        raise UserError(f"{listed}\n    python -m delivery setup --stack {session.stack}   goes on after that")
    return config


def _change(session: Session, config: StackConfig) -> StackConfig:
    """Shows what is set, or has a default, and asks for what of that is to be different."""
    session.say("\nThese settings have a value:")
    shown = [key for key in session.declarations if config.values.get(key)]
    for key in shown:
        value = "(encrypted)" if key in config.encrypted | SECRET_KEYS else config.values[key]
        session.say(f"  {key} = {value}\n      {session.declarations[key].description}")
    while key := session.ask("The name of one to change (Enter for none)"):
        if key in shown:
            config = _set(session, key, config)
        else:
            session.say(f"{key!r} is none of them.")
    return config


def _set(session: Session, key: str, config: StackConfig) -> StackConfig:
    """Asks until the answer is right, and keeps it; an empty one is the default."""
    declared = session.declarations[key]
    session.say(f"\n{key}: {declared.description}")
    if key in ACCOUNTS:
        session.say(str(ACCOUNTS[key]))
    known = config.values.get(key, "")
    mistake = stack_config.mistakes(config).get(key) if known else None
    while True:
        if mistake:
            # Without the command that mends it, which the question takes the place of.
            session.say(f"It {mistake.partition(chr(10))[0]}.")
        value = session.ask_unseen(key) if key in SECRET_KEYS else session.ask(key, declared.default)
        changed = config.with_value(key, value)
        mistake = stack_config.mistakes(changed).get(key)
        if not mistake:
            break
    if value not in (known, declared.default) or key in SECRET_KEYS:
        stack_config.store(session.stack, session.environment, key, value)
    elif value != known:
        stack_config.store(session.stack, session.environment, key, "")
    return changed
