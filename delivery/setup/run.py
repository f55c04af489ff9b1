"""`python -m delivery setup`: questions that lead from a fresh clone to a stack's first `pulumi up`.

Each valid answer is stored at once: a run can be stopped anywhere, and the next one asks only for the rest.
"""

from collections.abc import Mapping

from delivery import report
from delivery.doctor import checks
from delivery.doctor.context import Apis
from delivery.doctor.requirements import GITHUB_TOKEN
from delivery.engine import state
from delivery.engine.stack_config import StackConfig
from delivery.setup.backend import choose_backend
from delivery.setup.passphrase import unlock_stack
from delivery.setup.session import Session
from delivery.setup.settings import set_settings
from delivery.setup.terminal import Terminal
from delivery.setup.workflows import prepare_workflows
from system.errors import UserError


def run_setup(stack: str, environment: Mapping[str, str], terminal: Terminal, apis: Apis | None = None) -> None:
    """Run all steps. Raises UserError where a step fails or the user stops it.

    environment: the variables of the shell.
    """
    if stack != "local" and (problems := state.local_stack_problems(environment)):
        raise UserError("\n".join(map(str, problems)))
    session = Session(stack, environment, terminal, apis or Apis())
    try:
        _run(session)
    except (KeyboardInterrupt, EOFError):
        session.print_exports()
        raise UserError(
            "Stopped; the answers so far are stored.", f"python -m delivery setup --stack {stack}"
        ) from None


def _run(session: Session) -> None:
    session.echo(f"Stack {session.stack}. Ctrl-C stops; the answers so far stay stored.")
    session.require("pulumi")
    choose_backend(session)
    unlock_stack(session)
    config = set_settings(session)
    if config.values["repository"] and not session.environment.get(GITHUB_TOKEN):
        session.ask_variable(GITHUB_TOKEN)
    config = _check(session, config)
    prepare_workflows(session, config)
    session.print_exports()
    session.echo(
        "\nReady. Commit the settings, and preview the first update:\n"
        f"    git add {session.file} && git commit -m 'Settings of the stack {session.stack}'\n"
        f"    pulumi preview --stack {session.stack}"
    )


def _check(session: Session, config: StackConfig) -> StackConfig:
    """Run the checks until all pass or the user skips the rest, and return the settings by then."""
    while True:
        results = checks.run_checks(session.context(config), checks.CHECKS.keys() - checks.WORKFLOW_CHECKS)
        session.echo(f"\n{report.plain(results)}")
        if all(check.state != "failed" for check in results):
            return config
        if session.ask("Enter to check again, s to skip") == "s":
            return config
        config = session.config()
