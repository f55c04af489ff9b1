"""What the engine knows of a stack, asked of the `pulumi` command, and a new update of it."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from system import process
from system.errors import UserError

_HISTORY = ("stack", "history", "--json", "--full-dates", "--page-size", "0")


def outputs(stack: str) -> Mapping[str, Any]:
    """The outputs of a stack, the secret ones as the engine masks them. Raises UserError."""
    return json.loads(_pulumi("stack", "output", "--json", "--stack", stack))


def history(stack: str) -> Sequence[Mapping[str, Any]]:
    """All updates of a stack, the newest first, without the values of its secrets. Raises UserError.

    Source: https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_history/
    """
    return json.loads(_pulumi(*_HISTORY, "--stack", stack))


def decrypted_history(stack: str) -> Sequence[Mapping[str, Any]]:
    """The same with the values of its secrets, where they can be decrypted here: not to be printed.

    They pass from the engine to this process through a pipe, and are kept nowhere. Raises UserError.
    """
    shown = _run(*_HISTORY, "--show-secrets", "--stack", stack)
    # Whoever lacks the passphrase may see all but the secrets.
    return json.loads(shown.stdout) if shown.returncode == 0 else history(stack)


def earlier_outputs(stack: str, version: int) -> Mapping[str, Any]:
    """The outputs that a stack had after an update, the secret ones encrypted.

    Raises UserError, as for every backend that does not number its updates: of those only Pulumi Cloud has this.
    """
    exported = json.loads(_pulumi("stack", "export", "--version", str(version), "--stack", stack))
    resources = exported["deployment"].get("resources", [])
    return next((r.get("outputs", {}) for r in resources if r["type"] == "pulumi:pulumi:Stack"), {})


def tags(stack: str) -> Mapping[str, str]:
    """What was noted on a stack, beside its state. Raises UserError."""
    return json.loads(_pulumi("stack", "tag", "ls", "--json", "--stack", stack))


def set_tag(stack: str, name: str, value: str) -> None:
    """Notes something on a stack; value: 256 characters at most. Raises UserError."""
    _pulumi("stack", "tag", "set", name, value, "--stack", stack)


@dataclass(frozen=True)
class Program:
    """A program of the stack; folder: its project's, path: where its commands are found before those of today."""

    folder: Path = Path()
    path: Sequence[Path] = ()

    def command(self, *arguments: str) -> Sequence[str]:
        """A command of `pulumi` on it: of the engine of today, as the state is one of today's."""
        if self == Program():
            return ["pulumi", *arguments]
        # By its path: the other commands of that commit are to be found first, but not its engine.
        return [shutil.which("pulumi") or "pulumi", *arguments, "--cwd", str(self.folder)]

    @property
    def environment(self) -> Mapping[str, str]:
        """What the command runs in."""
        return {**os.environ, "PATH": os.pathsep.join([*map(str, self.path), os.environ.get("PATH", os.defpath)])}


_HERE = Program()


def preview(stack: str, config_file: Path, program: Program = _HERE) -> Sequence[Mapping[str, Any]]:
    """The steps of an update with the settings of a file. Raises UserError with the program's own errors."""
    done = _run("preview", "--json", "--config-file", str(config_file), "--stack", stack, program=program)
    if done.returncode == 0:
        return json.loads(done.stdout)["steps"]
    told = _errors(done.stdout) or done.stderr
    raise UserError(f"There is no preview, and nothing was changed:\n{told.strip()}")


def refreshed_preview(stack: str) -> Sequence[Mapping[str, Any]]:
    """The steps of an update that looks first how everything is.

    What the engine says meanwhile reaches standard error. Raises UserError with the program's own errors.
    """
    done = _run("preview", "--refresh", "--json", "--color", "never", "--stack", stack, errors=None)
    if done.returncode == 0:
        return json.loads(done.stdout)["steps"]
    tried = f"There is no preview of stack {stack}.\n    pulumi preview --stack {stack} --refresh   tells more"
    raise UserError(f"{tried}\n{_errors(done.stdout)}".strip())


def up(stack: str, config_file: Path, message: str, *options: str, program: Program = _HERE) -> None:
    """A new update with the settings of a file, told and asked for on this terminal.

    message: what the history says of it; options: further ones of `pulumi up`.

    Raises UserError where it does not succeed.
    """
    command = program.command("up", "--config-file", str(config_file), "--message", message, "--stack", stack, *options)
    with _until_it_ends():
        done = subprocess.run(command, env=program.environment, check=False)
    if done.returncode != 0:
        raise UserError("The update did not succeed; above is what the engine says of it.")


def run(command: Sequence[str]) -> None:
    """Run a `pulumi` command that writes to the state. Raises UserError with its output."""
    with _until_it_ends():
        done = _run(*command[1:], "--color", "never")
    if done.returncode != 0:
        printed = "\n".join(text.strip() for text in (done.stdout, done.stderr) if text.strip())
        raise UserError(f"`{' '.join(command)}` failed: {printed}")


def set_secret(stack: str, config_file: Path, key: str, secret: str) -> None:
    """Encrypts a setting into a file of a stack's settings. Raises UserError, without the value."""
    command = ["pulumi", "config", "set", key, "--secret", "--config-file", str(config_file), "--stack", stack]
    # On standard input, because everybody on this machine can read the arguments of a command.
    done = process.run([*command, "--non-interactive"], os.environ, secret, seconds=60)
    if done.code:
        raise UserError(f"{key} cannot be set, and nothing was changed: {done.errors.strip()}")


def export(stack: str) -> Mapping[str, Any]:
    """The state of a stack, the secrets in it encrypted. Raises UserError.

    Source: https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_export/
    """
    return json.loads(_pulumi("stack", "export", "--stack", stack))["deployment"]


def decrypted_export(stack: str) -> Mapping[str, Any]:
    """The same with its secrets in plain text: not to be printed. Raises UserError."""
    return _revealed(json.loads(_pulumi("stack", "export", "--show-secrets", "--stack", stack))["deployment"])


def backend() -> str:
    """The URL of where states are kept: not to be printed whole, as it may hold a password. Raises UserError."""
    return json.loads(_pulumi("whoami", "--json"))["url"]


def secret_inputs(stack: str, urn: str) -> Mapping[str, Any]:
    """What a resource was declared with, secrets in plain text: not to be printed. Raises UserError."""
    return json.loads(_pulumi("state", "get", urn, "--show-secrets", "--output", "json", "--stack", stack))["inputs"]


def summary(stack: str) -> Mapping[str, Any]:
    """What the backend knows of a stack; with a `version`, and the `currentOperation`, in Pulumi Cloud alone.

    Raises UserError.
    """
    return json.loads(_pulumi("stack", "get", "--output", "json", "--stack", stack))


def refusal_of_lock(stack: str) -> str:
    """What the engine says to who wants the lock of a stack, in a bucket or a folder: it names who holds it.

    No command only asks for that. To rename a stack to what it is called takes the lock, and is then always refused.
    """
    return _run("stack", "rename", stack, "--stack", stack).stderr


def resource_of(urn: str) -> str:
    """The type and name of a resource, as TYPE::NAME.

    Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#urns
    """
    _, _, types, name = urn.split("::", 3)  # urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME
    return f"{types.rpartition('$')[2]}::{name}"


def provider_of(state: Mapping[str, Any]) -> str | None:
    """Return the URN of a resource's provider, which a state names with an ID behind it."""
    return state["provider"].rpartition("::")[0] if state.get("provider") else None


def _revealed(value: Any) -> Any:
    """What a decrypted state holds, without the marks around its secrets.

    Source: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/apitype/core.go (PlaintextSecretV1)
    """
    match value:
        case {"4dabf18193072939515e22adb298388d": _, "plaintext": str(secret)}:
            return _revealed(json.loads(secret))
        case dict():
            return {key: _revealed(each) for key, each in cast("dict[str, Any]", value).items()}
        case list():
            return [_revealed(each) for each in cast("list[Any]", value)]
        case _:
            return value


@contextmanager
def _until_it_ends() -> Generator[None]:
    """Leaves Ctrl-C to the engine, which ends in good order; to be killed by this process leaves a stack locked."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _errors(preview: str) -> str:
    """The errors in the JSON of a preview that failed; empty where it is none."""
    try:
        diagnostics = json.loads(preview)["diagnostics"]
    except (ValueError, KeyError):
        return ""
    return "\n".join(entry["message"].strip() for entry in diagnostics if entry["severity"] == "error")


def _pulumi(*arguments: str) -> str:
    done = _run(*arguments)
    if done.returncode != 0:
        raise UserError(f"`pulumi {' '.join(arguments)}` failed:\n{done.stderr.strip()}")
    return done.stdout


def _run(
    *arguments: str, program: Program = _HERE, errors: int | None = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    # Not by the runner: the program may need all that this process has, and some of it takes long.
    command = [*program.command(*arguments), "--non-interactive"]
    try:
        return subprocess.run(
            command,
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise process.not_found("pulumi") from None
