"""The step of `setup` that writes what the workflows on GitHub need; the stack writes the rest there later.

`gh` reads a value from standard input: https://cli.github.com/manual/gh_secret_set
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from delivery.doctor.backend import shell_word
from delivery.doctor.context import NotApplicable
from delivery.doctor.github import lacks_backend, missing_secrets
from delivery.doctor.requirements import (
    BACKEND,
    DELIVERY_TOKEN,
    ENVIRONMENTS,
    GITHUB_TOKEN,
    OCI_KEY,
    PASSPHRASE,
    PASSPHRASE_FILE,
)
from delivery.engine.stack_config import StackConfig
from delivery.setup.session import Session
from oke import credentials
from system.errors import UserError
from system.process import find, run

_SECONDS = 60
# Of a new environment. No branch may use `production` until the stack has added `main`.
# https://docs.github.com/en/rest/deployments/environments#create-or-update-an-environment
_RULES = {
    "production": '{"deployment_branch_policy": {"protected_branches": false, "custom_branch_policies": true}}',
    "preview": "{}",
}


def prepare_workflows(session: Session, config: StackConfig) -> None:
    """Write the missing secrets and variable with `gh` after asking, or print the commands."""
    context = session.context(config)
    try:
        secrets = {name: missing_secrets(context, name) for name in ENVIRONMENTS}
        lacks_variable = lacks_backend(context)
    except NotApplicable:
        return
    except UserError as error:
        session.echo(f"\nCould not check the workflows' secrets on GitHub. {error}")
        return
    can_write = bool(find("gh", session.environment)) and not _gh(session, "auth", "status")
    for environment, names in secrets.items():
        if names:
            _set_secrets(session, config.values["repository"], environment, names, can_write=can_write)
    if lacks_variable:
        _set_backend(session, config.values["repository"], can_write=can_write)


def _set_secrets(session: Session, repository: str, environment: str, names: Sequence[str], *, can_write: bool) -> None:
    session.echo(f"\n{environment} of {repository} lacks the workflows' secrets {', '.join(names)}.")
    if environment == "preview":
        session.echo("Whoever can push a branch can use these, so prefer credentials with read access only.")
        session.echo("docs/pipeline.md lists what they need in OCI and on the cluster.")
    if can_write and session.confirm(f"Write this machine's credentials to {environment}?"):
        _write_secrets(session, repository, environment, names)
        return
    session.echo("Each of these commands asks for its value:")
    for name in names:
        source = " < KEY.pem" if name == "OCI_CLI_KEY_CONTENT" else ""
        session.echo(f"    gh secret set {name} --env {environment} --repo {repository}{source}")


def _write_secrets(session: Session, repository: str, environment: str, names: Sequence[str]) -> None:
    path = f"repos/{repository}/environments/{environment}"
    if _gh(session, "api", path, "--silent"):
        # Only if it does not exist: PUT resets the rules of an existing one.
        _gh_or_stop(session, "api", "--method", "PUT", path, "--silent", "--input", "-", text=_RULES[environment])
    for name in names:
        try:
            value = _secret(session, name)
        except UserError as error:
            session.echo(f"Skipped {name}: {error}")
            continue
        _gh_or_stop(session, "secret", "set", name, "--env", environment, "--repo", repository, text=value)
        session.echo(f"Wrote {name} to {environment}.")


def _set_backend(session: Session, repository: str, *, can_write: bool) -> None:
    url = session.environment[BACKEND]
    command = ["variable", "set", BACKEND, "--repo", repository]
    if can_write and session.confirm(
        f"\nWrite the variable {BACKEND} to {repository}, so that the workflows can deploy?"
    ):
        _gh_or_stop(session, *command, text=url)
    else:
        session.echo("\nThe workflows can deploy after:")
        session.echo(f"    gh {' '.join(command)} --body {shell_word(url)}")


def _secret(session: Session, name: str) -> str:
    """Return this machine's value for a secret of the workflows. Raises UserError without one."""
    if name in OCI_KEY:
        return _oci_key(name)
    if name == PASSPHRASE and PASSPHRASE not in session.environment:
        return Path(session.environment[PASSPHRASE_FILE]).read_text(encoding="utf-8").strip()
    variable = GITHUB_TOKEN if name == DELIVERY_TOKEN else name
    if not (value := session.environment.get(variable)):
        raise UserError(f"{variable} is not set.")
    return value


def _oci_key(name: str) -> str:
    found = credentials.load()
    if found.key_id.startswith("ST$"):
        raise UserError("a session token expires too soon for a workflow.")
    tenancy, user, fingerprint = found.key_id.split("/")
    key = found.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    parts = (user, tenancy, fingerprint, key)
    return dict(zip(cast("tuple[str, ...]", OCI_KEY), parts, strict=True))[name]


def _gh(session: Session, *arguments: str, text: str = "") -> str | None:
    """Return the error of `gh`, or None on success."""
    done = run(["gh", *arguments], session.environment, text, _SECONDS)
    return (done.errors.strip() or f"exit code {done.code}") if done.code else None


def _gh_or_stop(session: Session, *arguments: str, text: str = "") -> None:
    if failure := _gh(session, *arguments, text=text):
        raise UserError(f"`gh {' '.join(arguments[:3])}` failed: {failure}", "gh auth status")
