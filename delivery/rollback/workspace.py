"""The workspace of a rollback: a program, and a file of settings with the past ones in it."""

import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from delivery.engine import stack, stack_config
from delivery.engine.stack import Program
from delivery.history import past_release
from delivery.history.updates import PROJECT
from delivery.rollback import worktree
from delivery.rollback.plan import Rollback
from system import git
from system.errors import UserError

_WORKTREE = past_release.FOLDER / "checkout"


@dataclass(frozen=True)
class Workspace:
    """What the rollback runs."""

    program: Program  # today's, or the past one
    config_file: Path


@contextmanager
def prepared(rollback: Rollback, echo: Callable[[str], None]) -> Generator[Workspace]:
    """Prepare a workspace for the time of the block, and leave the checkout as it was.

    Raises UserError where the stack has no file of settings, and where the past program cannot be installed.
    """
    stack_file = stack_config.stack_file(rollback.stack)
    document = _read(stack_file)
    config_file = past_release.FOLDER.resolve() / stack_file.name  # absolute, for a program in another folder
    with ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, past_release.FOLDER, ignore_errors=True)
        program = Program()
        if rollback.extent.scope == "full":
            commit = past_release.require_commit(rollback.target, rollback.target.commit)
            document["config"] = _past_config(rollback, commit, document["config"])
            program = cleanup.enter_context(worktree.program_of(commit, _WORKTREE, echo))
            _link(document["config"].get(f"{PROJECT}:kubeconfig"), program.folder)
        release = _release_settings(rollback)
        document["config"] |= {f"{PROJECT}:{key}": value for key, value in release.items()}
        _write(program.folder / release["valuesFile"], rollback.app.values)
        _write(config_file, yaml.safe_dump(document))
        for key, secret in rollback.restored_secrets.items():
            stack.set_secret(rollback.stack, config_file, key, secret.value or "")
        yield Workspace(program, config_file)


def _read(stack_file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(stack_file.read_text(encoding="utf-8"))
        dict[str, Any](document["config"])
    except FileNotFoundError:
        raise UserError(f"{stack_file} is not in {Path.cwd()}.", "cd PROJECT") from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        raise UserError(f"{stack_file} holds no settings of a stack.", f"git diff {stack_file}") from None
    return document


def _release_settings(rollback: Rollback) -> Mapping[str, str]:
    app = rollback.app
    # The past program reads its values at their own path, which records their commit.
    values = app.values_file if rollback.extent.scope == "app" else Path(rollback.target.settings["valuesFile"])
    images = {f"{name}Image": image for name, image in app.images.items()}
    # Without a scan: a vulnerability found since must not keep the cluster on a broken release.
    return {"imageSource": app.source, "imageScan": "", "valuesFile": str(values), **images}


def _past_config(rollback: Rollback, commit: str, today: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the target update, with today's ciphertexts for what its program knows.

    They come from the history, which also has settings that were never committed.
    """
    target = rollback.target
    declared = (yaml.safe_load(git.show(commit, "Pulumi.yaml") or "") or {}).get("config", {})
    # A setting that is secret today stays one; of one that was secret then, no plain text is known here.
    known = target.secrets.keys() if rollback.extent.secrets == "then" else declared.keys()
    own = {key.removeprefix(f"{PROJECT}:"): value for key, value in today.items()}
    kept = {
        key: value for key, value in own.items() if key in target.secrets or (isinstance(value, dict) and key in known)
    }
    return {key if ":" in key else f"{PROJECT}:{key}": value for key, value in {**target.settings, **kept}.items()}


def _link(kubeconfig: object, project: Path) -> None:
    """Link the kubeconfig that the settings name, and that no commit has, into the worktree."""
    if not isinstance(kubeconfig, str) or not kubeconfig or Path(kubeconfig).expanduser().is_absolute():
        return
    path = project / kubeconfig
    if not path.exists() and Path(kubeconfig).exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(Path(kubeconfig).resolve())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
