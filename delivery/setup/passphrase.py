"""The step of `setup` that gets the passphrase of a stack's secrets, and creates the stack under it.

The engine tries the passphrase: `pulumi stack init` and `pulumi config` refuse a wrong one.
"""

import os
import secrets
import tempfile
from pathlib import Path

from delivery.doctor.requirements import PASSPHRASE, PASSPHRASE_FILE, REQUIREMENTS
from delivery.engine import state
from delivery.setup.backend import create_stack
from delivery.setup.session import Session
from system.errors import UserError

_SHORTEST = 16


def unlock_stack(session: Session) -> None:
    """Ask until the engine encrypts and decrypts the stack's secrets; create the stack if the backend has none.

    Raises UserError for any other failure of the engine.
    """
    while problem := _problem(session):
        if PASSPHRASE in session.environment or PASSPHRASE_FILE in session.environment:
            session.echo(f"\n{problem}")
        _forget(session)
        session.echo(f"\n{PASSPHRASE}: {REQUIREMENTS[PASSPHRASE]}")
        if _has_one(session):
            _ask(session)
        else:
            _choose(session)


def _problem(session: Session) -> str | None:
    if problems := state.secrets_problems(session.environment, session.file):
        return "\n".join(map(str, problems))
    try:
        create_stack(session)
        session.config()
    except UserError as error:
        if state.INCORRECT_PASSPHRASE not in error.message:
            raise
        return str(error)
    return None


def _forget(session: Session) -> None:
    session.exports.pop(PASSPHRASE, None)
    for name in (PASSPHRASE, PASSPHRASE_FILE):
        session.environment.pop(name, None)


def _has_one(session: Session) -> bool:
    return session.file.exists() and "encryptionsalt:" in session.file.read_text(encoding="utf-8")


def _ask(session: Session) -> None:
    if path := session.ask(f"File with the passphrase of {session.file} (Enter to type it)"):
        _use_file(session, Path(path))
    else:
        _use(session, session.ask_hidden("Passphrase"))


def _choose(session: Session) -> None:
    if path := session.ask("File for a new, generated passphrase (Enter to type one of your own)"):
        _generate(session, Path(path).expanduser())
        return
    passphrase = session.ask_hidden("Passphrase")
    if len(passphrase) < _SHORTEST:
        session.echo(f"It has fewer than {_SHORTEST} characters.")
    elif passphrase != session.ask_hidden("Repeat the passphrase"):
        session.echo("The passphrases differ.")
    else:
        _use(session, passphrase)


def _generate(session: Session, path: Path) -> None:
    try:
        _write(path, secrets.token_urlsafe(32))
        session.echo(f"Wrote {path}: keep a copy where the team keeps its keys.")
    except FileExistsError:
        session.echo(f"{path} exists and is used unchanged.")
    except OSError as error:
        session.echo(f"{path} cannot be written: {error.strerror}.")
        return
    _use_file(session, path)


def _use(session: Session, passphrase: str) -> None:
    session.environment[PASSPHRASE] = passphrase
    session.exports[PASSPHRASE] = f"read -rs {PASSPHRASE} && export {PASSPHRASE}"


def _use_file(session: Session, path: Path) -> None:
    path = path.expanduser().absolute()
    session.environment[PASSPHRASE_FILE] = str(path)
    session.exports[PASSPHRASE] = f"export {PASSPHRASE_FILE}='{path}'"


def _write(path: Path, value: str) -> None:
    """Write a file that only its owner can read, atomically, without replacing another. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # with mode 600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{value}\n")
        os.link(temporary, path)
    finally:
        Path(temporary).unlink()
