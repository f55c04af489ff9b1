"""What a rollback runs: a program, and a file of settings that has those of an earlier update in it."""

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
class Restored:
    """program: today's, or the earlier one; settings: the file with which it runs."""

    program: Program
    settings: Path


@contextmanager
def restored(rollback: Rollback, tell: Callable[[str], None]) -> Generator[Restored]:
    """What the rollback runs. It is there until the block is done, and the checkout is as it was.

    Raises UserError where the stack has no file of settings, or the earlier program cannot be had.
    """
    own = stack_config.stack_file(rollback.stack)
    document = _read(own)
    file = past_release.FOLDER.resolve() / own.name  # from wherever the program runs
    with ExitStack() as ended:
        ended.callback(shutil.rmtree, past_release.FOLDER, ignore_errors=True)
        program = Program()
        if rollback.extent.scope == "full":
            document["config"] = _earlier_config(rollback, document["config"])
            program = ended.enter_context(worktree.program_of(rollback.target.commit, _WORKTREE, tell))
            _link(document["config"].get(f"{PROJECT}:kubeconfig"), program.folder)
        released = _released(rollback)
        document["config"] |= {f"{PROJECT}:{key}": value for key, value in released.items()}
        _write(program.folder / released["valuesFile"], rollback.app.values)
        _write(file, yaml.safe_dump(document))
        for key, secret in rollback.restored_secrets.items():
            stack.set_secret(rollback.stack, file, key, secret.value or "")
        yield Restored(program, file)


def _read(own: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(own.read_text(encoding="utf-8"))
        dict[str, Any](document["config"])
    except FileNotFoundError:
        raise UserError(f"There is no {own} here.\n    cd PROJECT   to where Pulumi.yaml is") from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        raise UserError(f"{own} is no file of a stack's settings.\n    git checkout {own}") from None
    return document


def _released(rollback: Rollback) -> Mapping[str, str]:
    """The settings of the app's release; those of its images are what makes it the same app."""
    app = rollback.app
    # A commit's own program reads the values where they were, which is how the history knows of which commit they are.
    values = app.values_file if rollback.extent.scope == "app" else Path(rollback.target.settings["valuesFile"])
    images = {f"{name}Image": image for name, image in app.images.items()}
    # The images ran before: what is known of them today must not keep the cluster on a release that is broken.
    return {"imageSource": app.source, "imageScan": "", "valuesFile": str(values), **images}


def _earlier_config(rollback: Rollback, today: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of the target update, encrypted ones as they are today where that update's program knows them.

    They are those of the history, not of its commit's file: what was set and never committed is in the history alone.
    """
    target = rollback.target
    declared = (yaml.safe_load(git.show(target.commit, "Pulumi.yaml") or "") or {}).get("config", {})
    # A setting that is secret today stays one, and one that was secret then is not known in plain text here.
    wanted = target.secrets.keys() if rollback.extent.secrets == "then" else declared.keys()
    own = {key.removeprefix(f"{PROJECT}:"): value for key, value in today.items()}
    kept = {
        key: value for key, value in own.items() if key in target.secrets or (isinstance(value, dict) and key in wanted)
    }
    return {key if ":" in key else f"{PROJECT}:{key}": value for key, value in {**target.settings, **kept}.items()}


def _link(kubeconfig: object, project: Path) -> None:
    """Leads a path that the settings name, which is no commit's, to the file in this checkout."""
    if not isinstance(kubeconfig, str) or not kubeconfig or Path(kubeconfig).expanduser().is_absolute():
        return
    path = project / kubeconfig
    if not path.exists() and Path(kubeconfig).exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(Path(kubeconfig).resolve())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
