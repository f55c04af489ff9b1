"""The state: it is lost, old or of something else, or its passphrase is wrong."""

import json
import shutil
from pathlib import Path

from tests.faults.case import KEPT, RECOVER, UP_ALONE, case
from tests.faults.site import STATE_FILE, Site
from tests.faults.update import UP
from tests.support.project import Outcome


def _state_file(site: Site) -> Path:
    return site.project.folder / STATE_FILE


@case("a state from before the last update")
def _older(site: Site) -> str:
    file = _state_file(site)
    kept = file.with_suffix(".older")
    shutil.copy(file, kept)
    site.change()
    site.project.do(*UP)
    shutil.move(kept, file)
    return "nothing: the update is done once more"


@case("a state under another passphrase", KEPT)
def _encrypted_otherwise(site: Site) -> Outcome:
    file = _state_file(site)
    site.change()
    shutil.copy(file, f"{file}.kept")
    document = json.loads(file.read_text())
    version, salt, proof = document["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"].split(":", 2)
    document["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"] = f"{version}:{salt[::-1]}:{proof}"
    file.write_text(json.dumps(document))
    return site.project.run(*UP)


# Each `up` stops at a release that is there, and each `recover` takes one into the state.
@case("a lost state", ("a new stack", "up"), RECOVER, UP_ALONE, RECOVER, may_be_replaced=r"\(Helm\)")
def _lost(site: Site) -> Outcome:
    _state_file(site).unlink()
    return site.project.run(*UP)


@case("a wrong passphrase")
def _passphrase(site: Site) -> Outcome:
    site.change()
    return site.project.run("env", "PULUMI_CONFIG_PASSPHRASE=canary-wrong", *UP)
