"""The commands that a stack needs on this machine."""

import importlib.metadata
import json
from pathlib import Path

from delivery.doctor.context import SECONDS, NotApplicable, Situation
from delivery.doctor.requirements import DOCKER_LOGIN
from system.errors import UserError
from system.process import run

_OF_THE_WORKFLOWS = "ghcr.io"


def pulumi(seen: Situation) -> str:
    version = _first_line("pulumi", "version", seen=seen)
    wanted = f"v{importlib.metadata.version('pulumi')}"
    if version != wanted:
        raise UserError(
            f"pulumi is {version}, and the project's packages are made for {wanted}.\n"
            "    make tools && export PATH=$PWD/.tools/bin:$PATH"
        )
    return version


def git(seen: Situation) -> str:
    return _first_line("git", "--version", seen=seen)


def docker(seen: Situation) -> str:
    if seen.setting("imageSource") != "build":
        raise NotApplicable("imageSource is not build")
    buildx = _first_line("docker", "buildx", "version", seen=seen)
    daemon = run(["docker", "info", "--format", "{{.ServerVersion}}"], seen.environment, seconds=SECONDS)
    if daemon.code:
        raise UserError("Docker is installed, and its engine does not answer.\n    docker info   tells more")
    return f"engine {daemon.output.strip()}, {buildx}"


def registry_login(seen: Situation) -> str:
    if seen.setting("imageSource") != "build":
        raise NotApplicable("imageSource is not build")
    registry = seen.setting("imageRegistry").partition("/")[0]
    folder = Path(seen.environment.get("DOCKER_CONFIG") or Path(seen.environment.get("HOME", "~"), ".docker"))
    try:
        known = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if registry not in {**known.get("auths", {}), **known.get("credHelpers", {})}:
        raise UserError(
            f"Docker has no login for {registry}, to push the images.\n    docker login {registry}   {DOCKER_LOGIN}"
        )
    notes = [f"Docker is logged in to {registry}; whether that may push is seen at the first build"]
    if not seen.setting("registryToken"):
        notes.append("the nodes are not: they can pull no package that is private, as a new one of ghcr.io is")
        notes.append("    pulumi config set --secret registryToken   or make the packages public once they are pushed")
    if seen.setting("repository") and registry != _OF_THE_WORKFLOWS:
        notes.append(f"the workflows are not: they log in to {_OF_THE_WORKFLOWS} alone")
        notes.append(f"    .github/workflows   is where to log in to {registry} too")
    return "\n".join(notes)


def trivy(seen: Situation) -> str:
    if not seen.setting("imageScan"):
        raise NotApplicable("imageScan is not set")
    return _first_line("trivy", "--version", seen=seen)


def _first_line(*command: str, seen: Situation) -> str:
    done = run([*command], seen.environment, seconds=SECONDS)
    if done.code:
        raise UserError(f"`{' '.join(command)}` fails.\n    {' '.join(command)}   tells more")
    return done.output.strip().partition("\n")[0]
