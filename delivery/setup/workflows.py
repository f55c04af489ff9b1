"""The part of `setup` that gives the workflows on GitHub what they need before the stack can write the rest there.

`gh` reads a value from standard input where it is given none:
https://cli.github.com/manual/gh_secret_set
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from delivery.doctor.backend import shown
from delivery.doctor.context import NotApplicable
from delivery.doctor.github import lacking_secrets, lacks_backend
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
# Of an environment that is made here. No branch may use `production` until the stack has added `main`.
# https://docs.github.com/en/rest/deployments/environments#create-or-update-an-environment
_RULES = {
    "production": '{"deployment_branch_policy": {"protected_branches": false, "custom_branch_policies": true}}',
    "preview": "{}",
}


def prepare_workflows(session: Session, config: StackConfig) -> None:
    """Writes what the workflows lack, by `gh` and after asking; else tells the commands for it."""
    seen = session.situation(config)
    try:
        secrets = {name: lacking_secrets(seen, name) for name in ENVIRONMENTS}
        lacks_variable = lacks_backend(seen)
    except NotApplicable:
        return
    except UserError as error:
        session.say(f"\nWhat the workflows lack on GitHub is not known. {error}")
        return
    can_write = bool(find("gh", session.environment)) and not _gh(session, "auth", "status")
    for environment, names in secrets.items():
        if names:
            _set_secrets(session, seen.repository, environment, names, can_write=can_write)
    if lacks_variable:
        _set_backend(session, seen.repository, can_write=can_write)


def _set_secrets(session: Session, repository: str, environment: str, names: Sequence[str], *, can_write: bool) -> None:
    session.say(f"\nIn {environment} of {repository} the workflows lack the secrets {', '.join(names)}.")
    if environment == "preview":
        session.say("Whoever may push a branch can use these: they had better be of users who may only read.")
        session.say("docs/pipeline.md has what such a user needs in OCI and on the cluster.")
    if can_write and session.confirm(f"Write those of this machine to {environment}?"):
        _write_secrets(session, repository, environment, names)
        return
    session.say("Each of these asks for its value, unseen:")
    for name in names:
        source = " < KEY.pem" if name == "OCI_CLI_KEY_CONTENT" else ""
        session.say(f"    gh secret set {name} --env {environment} --repo {repository}{source}")


def _write_secrets(session: Session, repository: str, environment: str, names: Sequence[str]) -> None:
    path = f"repos/{repository}/environments/{environment}"
    if _gh(session, "api", path, "--silent"):
        # Only where there is none: it would take the rules of one away.
        _gh_or_stop(session, "api", "--method", "PUT", path, "--silent", "--input", "-", text=_RULES[environment])
    for name in names:
        try:
            value = _secret(session, name)
        except UserError as error:
            session.say(f"{name} is left out: {error}")
            continue
        _gh_or_stop(session, "secret", "set", name, "--env", environment, "--repo", repository, text=value)
        session.say(f"{name} is written to {environment}.")


def _set_backend(session: Session, repository: str, *, can_write: bool) -> None:
    url = session.environment[BACKEND]
    command = ["variable", "set", BACKEND, "--repo", repository]
    if can_write and session.confirm(
        f"\nWrite the variable {BACKEND}, which lets the workflows deploy, to {repository}?"
    ):
        _gh_or_stop(session, *command, text=url)
    else:
        session.say("\nThe workflows deploy once they know the backend:")
        session.say(f"    gh {' '.join(command)} --body '{shown(url)}'")


def _secret(session: Session, name: str) -> str:
    """The value that this machine has for a secret of the workflows. Raises UserError where it has none."""
    if name in OCI_KEY:
        return _of_oci_key(name)
    if name == PASSPHRASE and PASSPHRASE not in session.environment:
        return Path(session.environment[PASSPHRASE_FILE]).read_text(encoding="utf-8").strip()
    variable = GITHUB_TOKEN if name == DELIVERY_TOKEN else name
    if not (value := session.environment.get(variable)):
        raise UserError(f"there is no {variable} in this shell.")
    return value


def _of_oci_key(name: str) -> str:
    found = credentials.load()
    if found.key_id.startswith("ST$"):
        raise UserError("the token of a session ends too soon for a workflow.")
    tenancy, user, fingerprint = found.key_id.split("/")
    key = found.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    parts = (user, tenancy, fingerprint, key)
    return dict(zip(cast("tuple[str, ...]", OCI_KEY), parts, strict=True))[name]


def _gh(session: Session, *arguments: str, text: str = "") -> str:
    """Why `gh` failed; nothing where it did not."""
    done = run(["gh", *arguments], session.environment, text, _SECONDS)
    return (done.errors.strip() or "it does not say why") if done.code else ""


def _gh_or_stop(session: Session, *arguments: str, text: str = "") -> None:
    if failure := _gh(session, *arguments, text=text):
        raise UserError(f"`gh {' '.join(arguments[:3])}` failed: {failure}\n    gh auth status   tells more")
