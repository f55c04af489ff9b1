"""State that the steps of `setup` share: the conversation, and the answers for this run only."""

from collections.abc import Mapping

from delivery import report
from delivery.doctor import checks
from delivery.doctor.context import Apis, Context, command_environment
from delivery.doctor.requirements import REQUIREMENTS
from delivery.engine import stack_config
from delivery.engine.stack_config import StackConfig
from delivery.setup.terminal import Terminal
from system.errors import UserError
from system.process import find


class Session:
    """One run of `setup`, for one stack."""

    def __init__(self, stack: str, shell: Mapping[str, str], terminal: Terminal, apis: Apis) -> None:
        self.stack, self.apis = stack, apis
        self.shell = shell  # the variables of the user's shell
        self.environment = command_environment(shell)  # the variables of the commands, with this run's answers
        self.exports: dict[str, str] = {}  # the commands that export this run's answers, by variable
        self.file = stack_config.stack_file(stack)
        self.declarations = stack_config.declarations()
        self._terminal = terminal

    def echo(self, text: str) -> None:
        self._terminal.echo(text)

    def ask(self, question: str, default: str = "") -> str:
        """Return the answer, or the default for an empty one."""
        return self._terminal.ask(f"{question}{f' [{default}]' if default else ''}:") or default

    def ask_hidden(self, question: str) -> str:
        return self._terminal.ask_hidden(f"{question}:")

    def confirm(self, question: str) -> bool:
        return self._terminal.ask(f"{question} [y/N]").lower() in ("y", "yes")

    def ask_variable(self, name: str) -> None:
        """Ask for a secret that the shell lacks, for this run only."""
        self.echo(f"\n{name}: {REQUIREMENTS[name]}")
        while not (value := self.ask_hidden(name).strip()):
            self.echo(f"{name} is required.")
        self.environment[name] = value
        self.exports[name] = f"read -rs {name} && export {name}"

    def print_exports(self) -> None:
        """Print the commands that give another shell this run's answers."""
        commands = [*self.exports.values()]
        if not find("pulumi", self.shell):
            commands.insert(0, "export PATH=$PWD/.tools/bin:$PATH")
        if commands:
            self.echo("\n".join(["\nIn each new shell, before pulumi:", *(f"    {command}" for command in commands)]))

    def context(self, config: StackConfig | None = None) -> Context:
        return Context(self.stack, self.environment, config, self.apis)

    def config(self) -> StackConfig:
        """Read the stack's settings. Raises UserError."""
        return stack_config.load(self.stack, self.environment)

    def require(self, name: str) -> None:
        """Run a check that needs no settings. Raises UserError where it fails."""
        results = checks.run_checks(self.context(), [name])
        self.echo(report.plain(results))
        if results[0].state == "failed":
            raise UserError(
                f"setup needs {name}, and its check failed.", f"python -m delivery doctor --stack {self.stack}"
            )
