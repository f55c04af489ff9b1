"""Run another program, with a timeout and without the secrets that it does not need."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from system.errors import UserError

# The one program that gets a variable with a secret, or None.
_SECRETS: Mapping[str, str | None] = {
    "PULUMI_ACCESS_TOKEN": "pulumi",
    "PULUMI_CONFIG_PASSPHRASE": "pulumi",
    "PULUMI_CONFIG": None,  # the stack's settings, secrets in plain text, which the engine passes to its program
    "PULUMI_BACKEND_URL": "pulumi",  # it may hold a password
    "AWS_ACCESS_KEY_ID": "pulumi",
    "AWS_SECRET_ACCESS_KEY": "pulumi",
    "AWS_SESSION_TOKEN": "pulumi",
    "GITHUB_TOKEN": None,  # the stack's, with fewer permissions than the user's
    "DELIVERY_GITHUB_TOKEN": None,
    "GH_TOKEN": "gh",
    "OCI_CLI_KEY_CONTENT": "helm",  # whose kubeconfig signs tokens with it
    "OCI_CLI_PASSPHRASE": "helm",
    "TF_VAR_private_key": None,
    "DELIVERY_KUBECONFIG": None,  # it may hold the deployer's token
}

_TOOLCHAIN = "make tools && export PATH=$PWD/.tools/bin:$PATH"
_INSTALLED_BY = {"pulumi": _TOOLCHAIN, "helm": _TOOLCHAIN, "crane": _TOOLCHAIN}
_GUIDES = {
    "git": "https://git-scm.com/downloads",
    "docker": "https://docs.docker.com/get-started/get-docker/",
    "trivy": "https://trivy.dev/docs/latest/getting-started/installation/",
    "gh": "https://cli.github.com",
}


@dataclass(frozen=True)
class Outcome:
    """The end of a program."""

    code: int  # its exit code
    output: str
    errors: str


def find(command: str, environment: Mapping[str, str]) -> str | None:
    """Return the path of a program on the environment's PATH."""
    return shutil.which(command, path=environment.get("PATH"))


def environment_for(command: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the secrets that a program does not need; None needs no secret."""
    return {
        key: value
        for key, value in environment.items()
        if key not in _SECRETS or (command is not None and _SECRETS[key] == command)
    }


def not_found(command: str) -> UserError:
    """Return the error for a program that is not on PATH, with the way to install it."""
    guide = f"; {_GUIDES[command]} shows how to install it" if command in _GUIDES else ""
    return UserError(f"{command} is not on PATH{guide}.", _INSTALLED_BY.get(command))


def run(command: Sequence[str], environment: Mapping[str, str], text: str = "", seconds: float | None = 10) -> Outcome:
    """Run a program to its end.

    text: its standard input, such as a secret; the returned errors hide it.
    seconds: the timeout; None for a program with its own.

    Ctrl-C reaches the caller after the program has ended, so that nothing stays half-written.

    Raises UserError where there is no such program, and at the timeout.
    """
    name = command[0]
    path = find(name, environment)
    if path is None:
        raise not_found(name)
    process = subprocess.Popen(
        [path, *command[1:]],
        env=environment_for(name, environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,  # the terminal's Ctrl-C does not reach it
    )
    try:
        output, errors = _communicate(process, text, seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise UserError(f"`{' '.join(command[:3])}` timed out after {seconds:g} seconds.") from None
    return Outcome(process.returncode, output, errors.replace(text, "[hidden]") if text else errors)


def _communicate(process: subprocess.Popen[str], text: str, seconds: float | None) -> tuple[str, str]:
    try:
        return process.communicate(text, timeout=seconds)
    except KeyboardInterrupt:
        process.communicate(timeout=seconds)
        raise
