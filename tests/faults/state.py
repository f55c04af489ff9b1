"""The state: it is lost, old or of something else, or its passphrase is wrong."""

import json
import shutil
from pathlib import Path

from tests.support.faults.case import KEPT, RECOVER, UP_ALONE, case
from tests.support.faults.sandbox import STATE_FILE, Sandbox
from tests.support.faults.update import UP
from tests.support.project import Outcome


def _state_file(sandbox: Sandbox) -> Path:
    return sandbox.project.folder / STATE_FILE


@case("a state from before the last update")
def _older(sandbox: Sandbox) -> str:
    file = _state_file(sandbox)
    kept = file.with_suffix(".older")
    shutil.copy(file, kept)
    sandbox.change()
    sandbox.project.do(*UP)
    shutil.move(kept, file)
    return "nothing: the update is done once more"


@case("a state under another passphrase", KEPT)
def _encrypted_otherwise(sandbox: Sandbox) -> Outcome:
    file = _state_file(sandbox)
    sandbox.change()
    shutil.copy(file, f"{file}.kept")
    document = json.loads(file.read_text())
    version, salt, proof = document["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"].split(":", 2)
    document["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"] = f"{version}:{salt[::-1]}:{proof}"
    file.write_text(json.dumps(document))
    return sandbox.project.run(*UP)


# Each `up` stops at a release that is there, and each `recover` takes one into the state.
@case("a lost state", ("a new stack", "up"), RECOVER, UP_ALONE, RECOVER, may_replace=r"\(Helm\)")
def _lost(sandbox: Sandbox) -> Outcome:
    _state_file(sandbox).unlink()
    return sandbox.project.run(*UP)


@case("a wrong passphrase")
def _passphrase(sandbox: Sandbox) -> Outcome:
    sandbox.change()
    return sandbox.project.run("env", "PULUMI_CONFIG_PASSPHRASE=canary-wrong", *UP)
