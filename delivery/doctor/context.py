"""The input of the checks: a stack, its settings, and the environment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from delivery.doctor.requirements import BACKEND, GITHUB_TOKEN
from delivery.engine import stack_config
from delivery.engine.stack_config import StackConfig
from system.errors import UserError

TIMEOUT_SECONDS = 10.0
_TOOLS = Path(".tools/bin")


class NotApplicable(Exception):  # noqa: N818 (not an error)
    """A check has nothing to check; why, in a clause."""


@dataclass(frozen=True)
class Apis:
    """The URLs of the outside services; {region} stands for the region of the credentials."""

    github: str = "https://api.github.com"
    object_storage: str = "https://objectstorage.{region}.oraclecloud.com"
    container_engine: str = "https://containerengine.{region}.oci.oraclecloud.com/20180222"
    identity: str = "https://identity.{region}.oci.oraclecloud.com/20160918"
    limits: str = "https://limits.{region}.oci.oraclecloud.com/20190729"


@dataclass(frozen=True, repr=False)
class Context:
    stack: str
    environment: Mapping[str, str]  # as `command_environment` returns it
    config: StackConfig | None = None  # None where the engine cannot read the settings
    apis: Apis = field(default_factory=Apis)
    timeout: float = TIMEOUT_SECONDS  # of each command, and of each request to GitHub, in seconds

    def setting(self, key: str) -> str:
        """Return a setting's value. Raises NotApplicable where the settings cannot be read."""
        if self.config is None:
            raise NotApplicable("the settings cannot be read")
        return self.config.values.get(key, "")

    def required_setting(self, key: str) -> str:
        """Return a setting's value. Raises NotApplicable where it is not set."""
        if value := self.setting(key):
            return value
        raise NotApplicable(f"{key} is not set")

    @property
    def oci_ocid(self) -> str:
        """The OCID of the cluster, or of the compartment for a new one. Raises NotApplicable."""
        if ocid := self.setting("clusterOcid") or self.setting("compartmentOcid"):
            return ocid
        raise NotApplicable("neither clusterOcid nor compartmentOcid is set")

    def require_token(self) -> None:
        """Raise NotApplicable without a GitHub token: one check reports that for all."""
        if self.required_setting("repository") and not self.environment.get(GITHUB_TOKEN):
            raise NotApplicable(f"{GITHUB_TOKEN} is not set")

    @property
    def backend(self) -> str:
        """The scheme of the backend's URL."""
        return urlsplit(self.environment.get(BACKEND, "")).scheme


def command_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with the project's tools on PATH and the backend of `pulumi login`."""
    home = Path(environment.get("PULUMI_HOME") or Path(environment.get("HOME", "~")).expanduser() / ".pulumi")
    added: dict[str, str] = {}
    if not environment.get(BACKEND):
        try:
            added[BACKEND] = str(json.loads((home / "credentials.json").read_text(encoding="utf-8"))["current"])
        except (OSError, ValueError, KeyError, TypeError):
            added[BACKEND] = ""
    path = f"{environment.get('PATH', '')}:{_TOOLS.absolute()}"
    return {**environment, **added, "PATH": path, "PULUMI_SKIP_UPDATE_CHECK": "true"}


def load_context(stack: str, environment: Mapping[str, str], apis: Apis, timeout: float = TIMEOUT_SECONDS) -> Context:
    environment = command_environment(environment)
    try:
        config = stack_config.load(stack, environment, timeout)
    except UserError:
        config = None
    return Context(stack, environment, config, apis, timeout)
