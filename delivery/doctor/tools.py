"""Checks of the commands on this machine."""

import importlib.metadata
import json
from pathlib import Path

from delivery.doctor.context import Context, NotApplicable
from delivery.doctor.requirements import DOCKER_LOGIN
from system.errors import UserError
from system.process import run

_WORKFLOWS_REGISTRY = "ghcr.io"


def pulumi(context: Context) -> str:
    version = _first_line("pulumi", "version", context=context)
    expected = f"v{importlib.metadata.version('pulumi')}"
    if version != expected:
        raise UserError(
            f"pulumi is {version}, and the project needs {expected}.", "make tools && export PATH=$PWD/.tools/bin:$PATH"
        )
    return version


def git(context: Context) -> str:
    return _first_line("git", "--version", context=context)


def docker(context: Context) -> str:
    _require_build(context)
    buildx = _first_line("docker", "buildx", "version", context=context)
    daemon = run(["docker", "info", "--format", "{{.ServerVersion}}"], context.environment, seconds=context.timeout)
    if daemon.code:
        raise UserError("Docker is installed, but its daemon is not running.", "docker info")
    return f"daemon {daemon.output.strip()}, {buildx}"


def registry_login(context: Context) -> str:
    _require_build(context)
    registry = context.setting("imageRegistry").partition("/")[0]
    folder = Path(context.environment.get("DOCKER_CONFIG") or Path(context.environment.get("HOME", "~"), ".docker"))
    try:
        known = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if registry not in {**known.get("auths", {}), **known.get("credHelpers", {})}:
        raise UserError(
            f"Docker is not logged in to {registry}, so it cannot push the images; log in with {DOCKER_LOGIN}.",
            f"docker login {registry}",
        )
    notes = [f"Docker is logged in to {registry}; the first build shows whether it can push"]
    if not context.setting("registryToken"):
        notes.append("registryToken is not set, so nodes cannot pull private packages, as new ones on ghcr.io are")
    if context.setting("repository") and registry != _WORKFLOWS_REGISTRY:
        notes.append(f"the workflows log in to {_WORKFLOWS_REGISTRY} only, so they cannot push to {registry}")
    return "\n".join(notes)


def trivy(context: Context) -> str:
    context.required_setting("imageScan")
    return _first_line("trivy", "--version", context=context)


def _require_build(context: Context) -> None:
    if context.setting("imageSource") != "build":
        raise NotApplicable("imageSource is not build")


def _first_line(*command: str, context: Context) -> str:
    done = run(command, context.environment, seconds=context.timeout)
    if done.code:
        raise UserError(f"`{' '.join(command)}` failed with exit code {done.code}.", " ".join(command))
    return done.output.strip().partition("\n")[0]
