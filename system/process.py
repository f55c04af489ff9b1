"""The one way in which operators' commands start others: with only their own secrets, and never for ever."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from system.errors import UserError

# Who needs which of the variables that hold secrets: no other command gets them.
_SECRETS = {
    "PULUMI_ACCESS_TOKEN": "pulumi",
    "PULUMI_CONFIG_PASSPHRASE": "pulumi",
    "PULUMI_CONFIG": "",  # the stack's settings, which the engine gives its program, the secrets in plain text
    "PULUMI_BACKEND_URL": "pulumi",  # it may hold a password
    "AWS_ACCESS_KEY_ID": "pulumi",
    "AWS_SECRET_ACCESS_KEY": "pulumi",
    "AWS_SESSION_TOKEN": "pulumi",
    "GITHUB_TOKEN": "",  # the stack's, which may do less than the user
    "DELIVERY_GITHUB_TOKEN": "",
    "GH_TOKEN": "gh",
    "OCI_CLI_KEY_CONTENT": "helm",  # whose kubeconfig signs tokens with it
    "OCI_CLI_PASSPHRASE": "helm",
    "TF_VAR_private_key": "",
    "DELIVERY_KUBECONFIG": "",  # it may hold the deployer's token
}


@dataclass(frozen=True)
class Outcome:
    """What a command did: its exit code and both of its streams."""

    code: int
    output: str
    errors: str


def find(command: str, environment: Mapping[str, str]) -> str | None:
    """The path of a command on the environment's PATH."""
    return shutil.which(command, path=environment.get("PATH"))


def allowed(command: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What a command may have of an environment: all but the secrets of others."""
    return {key: value for key, value in environment.items() if _SECRETS.get(key, command) == command}


def missing(command: str) -> UserError:
    """Says that a command is not on PATH, and where to get it."""
    return UserError(f"There is no command {command}.\n    {_SOURCES.get(command, 'export PATH=…')}")


def run(command: Sequence[str], environment: Mapping[str, str], text: str = "", seconds: float | None = 10) -> Outcome:
    """Runs a command to its end, whatever becomes of it.

    text: what it reads from standard input, such as a secret; where it quotes that, its errors here do not.
    seconds: after which it is killed; None for a command that knows itself how long it may take.

    Ctrl-C reaches the caller once the command has ended, so that it leaves nothing half-written.

    Raises UserError where there is no such command, and where it takes too long.
    """
    name = command[0]
    path = find(name, environment)
    if path is None:
        raise missing(name)
    process = subprocess.Popen(
        [path, *command[1:]],
        env=allowed(name, environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,  # out of reach of the terminal's Ctrl-C
    )
    try:
        output, errors = _end(process, text, seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise UserError(f"`{' '.join(command[:3])}` has not answered within {seconds:g} seconds.") from None
    return Outcome(process.returncode, output, errors.replace(text, "[hidden]") if text else errors)


def _end(process: subprocess.Popen[str], text: str, seconds: float | None) -> tuple[str, str]:
    try:
        return process.communicate(text, timeout=seconds)
    except KeyboardInterrupt:
        process.communicate(timeout=seconds)
        raise


# Where to get a command that is not there.
_SOURCES = {
    "pulumi": "make tools && export PATH=$PWD/.tools/bin:$PATH",
    "helm": "make tools && export PATH=$PWD/.tools/bin:$PATH",
    "crane": "make tools   installs it into .tools/bin",
    "git": "https://git-scm.com/downloads   where to get it",
    "docker": "https://docs.docker.com/get-started/get-docker/   where to get it",
    "trivy": "https://trivy.dev/docs/latest/getting-started/installation/   where to get it",
    "gh": "https://cli.github.com   where to get it",
}
