"""A stack through the `pulumi` command: its outputs, history, tags and state; previews, updates and repairs."""

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
from system.signals import deferred

_POLL_SECONDS = 0.2
_HISTORY = ("stack", "history", "--json", "--full-dates", "--page-size", "0")


def outputs(stack: str) -> Mapping[str, Any]:
    """Return the outputs of a stack, secrets masked. Raises UserError."""
    return json.loads(_pulumi("stack", "output", "--json", "--stack", stack))


def history(stack: str) -> Sequence[Mapping[str, Any]]:
    """Return all updates of a stack, the newest first, without the values of secrets. Raises UserError.

    Source: https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_history/
    """
    return json.loads(_pulumi(*_HISTORY, "--stack", stack))


def decrypted_history(stack: str) -> Sequence[Mapping[str, Any]]:
    """Return the history with secrets in plain text, where they can be decrypted here: never print them.

    They pass through a pipe and are stored nowhere. Raises UserError.
    """
    shown = _run(*_HISTORY, "--show-secrets", "--stack", stack)
    # Without the passphrase the rest of the history is still readable.
    return json.loads(shown.stdout) if shown.returncode == 0 else history(stack)


def past_outputs(stack: str, version: int) -> Mapping[str, Any]:
    """Return the outputs that a stack had after an update, secrets encrypted.

    Raises UserError, always for a backend that does not number updates: only Pulumi Cloud keeps past states.
    """
    exported = json.loads(_pulumi("stack", "export", "--version", str(version), "--stack", stack))
    resources = exported["deployment"].get("resources", [])
    return next((r.get("outputs", {}) for r in resources if r["type"] == "pulumi:pulumi:Stack"), {})


def tags(stack: str) -> Mapping[str, str]:
    """Return the tags of a stack. Raises UserError."""
    return json.loads(_pulumi("stack", "tag", "ls", "--json", "--stack", stack))


def set_tag(stack: str, name: str, value: str) -> None:
    """Tag a stack; value: 256 characters at most. Raises UserError."""
    _pulumi("stack", "tag", "set", name, value, "--stack", stack)


@dataclass(frozen=True)
class Program:
    """A program of the stack: by default today's, in the working folder."""

    folder: Path = Path()
    path: Sequence[Path] = ()
    """Folders with its tools, which go in front of PATH."""

    def command(self, *arguments: str) -> Sequence[str]:
        """Return a `pulumi` command on this program, always with today's engine: the state needs it."""
        if self == Program():
            return ["pulumi", *arguments]
        # By its path: a past commit's tools come first on PATH, except for the engine.
        return [shutil.which("pulumi") or "pulumi", *arguments, "--cwd", str(self.folder)]

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of the command."""
        return {**os.environ, "PATH": os.pathsep.join([*map(str, self.path), os.environ.get("PATH", os.defpath)])}


_TODAY = Program()


def preview(stack: str, config_file: Path, program: Program = _TODAY) -> Sequence[Mapping[str, Any]]:
    """Return the steps of an update with the settings of a file. Raises UserError with the program's own errors."""
    done = _run("preview", "--json", "--config-file", str(config_file), "--stack", stack, program=program)
    if done.returncode == 0:
        return json.loads(done.stdout)["steps"]
    raise UserError(f"The preview failed, and nothing was changed: {_errors(done.stdout) or done.stderr.strip()}")


def refreshed_preview(stack: str) -> Sequence[Mapping[str, Any]]:
    """Return the steps of an update that refreshes first. The engine's progress goes to standard error.

    Raises UserError with the program's own errors.
    """
    done = _run("preview", "--refresh", "--json", "--color", "never", "--stack", stack, errors=None)
    if done.returncode == 0:
        return json.loads(done.stdout)["steps"]
    errors = _errors(done.stdout)
    reason = f": {errors}" if errors else ", as shown above."
    raise UserError(f"The preview of stack {stack} failed{reason}", f"pulumi preview --stack {stack} --refresh")


def up(stack: str, config_file: Path, message: str, *options: str, program: Program = _TODAY) -> None:
    """Update a stack with the settings of a file, on this terminal.

    message: the update's in the history. options: more of `pulumi up`.

    Raises UserError where the update fails.
    """
    command = program.command("up", "--config-file", str(config_file), "--message", message, "--stack", stack, *options)
    if _write_state(command, program.environment).returncode != 0:
        raise UserError("The update failed; the engine's output is above.")


def run(command: Sequence[str]) -> None:
    """Run a `pulumi` command that writes to the state. Raises UserError with its output."""
    done = _write_state([*command, "--color", "never", "--non-interactive"], output=subprocess.PIPE)
    if done.returncode != 0:
        printed = "\n".join(text.strip() for text in (done.stdout, done.stderr) if text.strip())
        raise UserError(f"`{' '.join(command)}` failed: {printed}")


def set_secret(stack: str, config_file: Path, key: str, secret: str) -> None:
    """Encrypt a setting into a file of a stack's settings. Raises UserError, without the value."""
    command = ["pulumi", "config", "set", key, "--secret", "--config-file", str(config_file), "--stack", stack]
    # On standard input, because everybody on this machine can read the arguments of a command.
    done = process.run([*command, "--non-interactive"], os.environ, secret, seconds=60)
    if done.code:
        raise UserError(f"{key} cannot be set, and nothing was changed: {done.errors.strip()}")


def export(stack: str) -> Mapping[str, Any]:
    """Return the state of a stack, secrets encrypted. Raises UserError.

    Source: https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_export/
    """
    return json.loads(_pulumi("stack", "export", "--stack", stack))["deployment"]


def decrypted_export(stack: str) -> Mapping[str, Any]:
    """Return the state of a stack with secrets in plain text: never print it. Raises UserError."""
    return _plaintext(json.loads(_pulumi("stack", "export", "--show-secrets", "--stack", stack))["deployment"])


def backend() -> str:
    """Return the URL of the backend: never print it whole, as it may hold a password. Raises UserError."""
    return json.loads(_pulumi("whoami", "--json"))["url"]


def secret_inputs(stack: str, urn: str) -> Mapping[str, Any]:
    """Return the inputs of a resource, secrets in plain text: never print them. Raises UserError."""
    return json.loads(_pulumi("state", "get", urn, "--show-secrets", "--output", "json", "--stack", stack))["inputs"]


def summary(stack: str) -> Mapping[str, Any]:
    """Return the backend's summary of a stack; Pulumi Cloud's has the `currentOperation`. Raises UserError."""
    return json.loads(_pulumi("stack", "get", "--output", "json", "--stack", stack))


def lock_error(stack: str) -> str:
    """Return the engine's error for an attempt to take the lock of a stack in a bucket or a folder.

    It names the holder. No command asks for that: renaming a stack to its own name takes the lock and always fails.
    """
    return _run("stack", "rename", stack, "--stack", stack).stderr


def resource_of(urn: str) -> str:
    """Return the type and name of a resource, as TYPE::NAME.

    Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#urns
    """
    _, _, types, name = urn.split("::", 3)  # urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME
    return f"{types.rpartition('$')[2]}::{name}"


def provider_of(state: Mapping[str, Any]) -> str | None:
    """Return the URN of a resource's provider, which a state names with an ID behind it."""
    return state["provider"].rpartition("::")[0] if state.get("provider") else None


def _plaintext(value: Any) -> Any:
    """Strip the marks of secrets from a decrypted state.

    Source: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/apitype/core.go (PlaintextSecretV1)
    """
    match value:
        case {"4dabf18193072939515e22adb298388d": _, "plaintext": str(secret)}:
            return _plaintext(json.loads(secret))
        case dict():
            return {key: _plaintext(each) for key, each in cast("dict[str, Any]", value).items()}
        case list():
            return [_plaintext(each) for each in cast("list[Any]", value)]
        case _:
            return value


def _write_state(
    command: Sequence[str], environment: Mapping[str, str] | None = None, output: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the engine to its end, because a killed one leaves the stack locked. Ctrl-C, SIGTERM and SIGHUP cancel it."""
    with (
        _interrupts_noted() as interrupts,
        deferred(signal.SIGTERM, signal.SIGHUP) as terminations,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output, text=True) as engine,
    ):
        while True:
            try:
                printed, errors = engine.communicate(timeout=_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if terminations and not interrupts:  # a second SIGINT would kill the engine
                    engine.send_signal(signal.SIGINT)
                    interrupts.append(signal.SIGINT)
            else:
                return subprocess.CompletedProcess(command, engine.returncode, printed, errors)


@contextmanager
def _interrupts_noted() -> Generator[list[int]]:
    """Yield the growing list of Ctrl-Cs, which the engine gets from the terminal itself."""
    interrupts: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # as in a shell's background job, for the engine too
        signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def _errors(preview: str) -> str:
    """Return the errors in the JSON of a failed preview."""
    try:
        diagnostics = json.loads(preview)["diagnostics"]
    except (ValueError, KeyError):
        return ""
    return "\n".join(entry["message"].strip() for entry in diagnostics if entry["severity"] == "error")


def _pulumi(*arguments: str) -> str:
    done = _run(*arguments)
    if done.returncode != 0:
        error = done.stderr.strip().removeprefix("error: ")
        hint = "pulumi stack ls" if error.startswith("no stack named") else None
        raise UserError(f"`pulumi {' '.join(arguments[:2])}` failed: {error}", hint)
    return done.stdout


def _run(
    *arguments: str, program: Program = _TODAY, errors: int | None = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    # Not system.process: the program may need the whole environment, and has no timeout.
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
