"""`python -m delivery setup`: from a fresh clone to the first `pulumi up` of a stack, one question after the other.

Each answer is kept as soon as it is right, so that it can be stopped anywhere and run again: it then asks only for what
is missing or wrong.
"""

from collections.abc import Mapping

from delivery import report
from delivery.doctor import checks
from delivery.doctor.context import Apis
from delivery.doctor.requirements import GITHUB_TOKEN
from delivery.engine import state
from delivery.engine.stack_config import StackConfig
from delivery.setup.backend import keep_state
from delivery.setup.passphrase import unlock_stack
from delivery.setup.session import Session
from delivery.setup.settings import set_settings
from delivery.setup.terminal import Terminal
from delivery.setup.workflows import prepare_workflows
from system.errors import UserError


def run_setup(stack: str, environment: Mapping[str, str], terminal: Terminal, apis: Apis | None = None) -> None:
    """Leads through all of it; stack: its name; environment: the variables of the shell.

    Raises UserError where it cannot go on, and where the user stops it.
    """
    if stack != "local" and (problems := state.local_stack_problems(environment)):
        raise UserError("\n".join(map(str, problems)))
    session = Session(stack, environment, terminal, apis or Apis())
    try:
        _lead(session)
    except (KeyboardInterrupt, EOFError):
        session.tell_exports()
        raise UserError(
            f"Stopped. What was answered is kept.\n    python -m delivery setup --stack {stack}   goes on"
        ) from None


def _lead(session: Session) -> None:
    session.say(f"Stack {session.stack}. Ctrl-C stops at any time: what was answered is kept.")
    session.expect("pulumi")
    keep_state(session)
    unlock_stack(session)
    config = set_settings(session)
    if config.values["repository"] and not session.environment.get(GITHUB_TOKEN):
        session.ask_variable(GITHUB_TOKEN)
    config = _examine(session, config)
    prepare_workflows(session, config)
    session.tell_exports()
    session.say(
        "\nAll is set. Keep the settings, and see what the first update would do:\n"
        f"    git add {session.file} && git commit -m 'Settings of the stack {session.stack}'\n"
        f"    pulumi preview --stack {session.stack}"
    )


def _examine(session: Session, config: StackConfig) -> StackConfig:
    """Tells what every check finds until no problem is left, or none that keeps the user; returns the settings then."""
    while True:
        found = checks.look(session.situation(config), checks.CHECKS.keys() - checks.WORKFLOW_CHECKS)
        session.say(f"\n{report.plain(found)}")
        if all(check.state != "failed" for check in found):
            return config
        if session.ask("Enter looks again once that is mended, s goes on without it") == "s":
            return config
        config = session.config()
