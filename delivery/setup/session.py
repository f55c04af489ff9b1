"""What the parts of `setup` share: the conversation, and what was answered for this run alone."""

from collections.abc import Mapping

from delivery import report
from delivery.doctor import checks
from delivery.doctor.context import Apis, Situation, surroundings
from delivery.doctor.requirements import ACCOUNTS
from delivery.engine import stack_config
from delivery.engine.stack_config import StackConfig
from delivery.setup.terminal import Terminal
from system.errors import UserError
from system.process import find


class Session:
    """One run of `setup`, for one stack.

    shell: the variables of the user's shell; environment: the same, with what the commands need beside them.
    exports: by what they are for, the commands that give a shell what was typed for this run alone.
    file: where the stack's settings are kept.
    """

    def __init__(self, stack: str, shell: Mapping[str, str], terminal: Terminal, apis: Apis) -> None:
        self.stack, self.shell, self.apis = stack, shell, apis
        self.file = stack_config.stack_file(stack)
        self.declarations = stack_config.declarations()
        self.environment = surroundings(shell)
        self.exports: dict[str, str] = {}
        self._terminal = terminal

    def say(self, text: str) -> None:
        self._terminal.say(text)

    def ask(self, question: str, default: str = "") -> str:
        """The answer, or the default where it is empty."""
        return self._terminal.ask(f"{question}{f' [{default}]' if default else ''}:") or default

    def ask_unseen(self, question: str) -> str:
        return self._terminal.ask_unseen(f"{question}:")

    def confirm(self, question: str) -> bool:
        return self._terminal.ask(f"{question} [y/N]").lower() in ("y", "yes")

    def ask_variable(self, name: str) -> None:
        """Asks for a secret that the shell lacks, for this run."""
        self.say(f"\n{name}: {ACCOUNTS[name]}")
        while not (value := self.ask_unseen(name).strip()):
            self.say("It is needed.")
        self.environment[name] = value
        self.exports[name] = f"read -rs {name} && export {name}"

    def tell_exports(self) -> None:
        """What this run alone knows, and how to give it to the shell."""
        commands = [*self.exports.values()]
        if not find("pulumi", self.shell):
            commands.insert(0, "export PATH=$PWD/.tools/bin:$PATH")
        if commands:
            self.say("\n".join(["\nIn each new shell, before pulumi:", *(f"    {command}" for command in commands)]))

    def situation(self, config: StackConfig | None = None) -> Situation:
        return Situation(self.stack, self.environment, config, self.apis)

    def config(self) -> StackConfig:
        """The stack's settings as they are now. Raises UserError."""
        return stack_config.load(self.stack, self.environment)

    def expect(self, name: str) -> None:
        """Goes on where a check that needs no settings finds no problem. Raises UserError."""
        found = checks.look(self.situation(), [name])
        self.say(report.plain(found))
        if found[0].state == "failed":
            raise UserError(f"Nothing can be set without {name}.\n    python -m delivery setup   once it is mended")
