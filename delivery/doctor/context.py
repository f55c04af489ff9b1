"""What the checks look at: a stack, its settings where they can be told, and the environment of whoever asks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from delivery.doctor.requirements import BACKEND, GITHUB_TOKEN
from delivery.engine import stack_config
from delivery.engine.stack_config import StackConfig
from system.errors import UserError

SECONDS = 10
_TOOLS = Path(".tools/bin")


class NotApplicable(Exception):  # noqa: N818 (not an error)
    """Why a check has nothing to look at, in a clause."""


@dataclass(frozen=True)
class Apis:
    """Where the outside services answer; {region} is the region of the credentials."""

    github: str = "https://api.github.com"
    object_storage: str = "https://objectstorage.{region}.oraclecloud.com"
    container_engine: str = "https://containerengine.{region}.oci.oraclecloud.com/20180222"
    identity: str = "https://identity.{region}.oci.oraclecloud.com/20160918"
    limits: str = "https://limits.{region}.oci.oraclecloud.com/20190729"


@dataclass(frozen=True, repr=False)
class Situation:
    """What the checks look at.

    stack: its name. environment: the variables, as `surroundings` gives them.
    config: the stack's settings; None where the engine cannot tell them.
    """

    stack: str
    environment: Mapping[str, str]
    config: StackConfig | None = None
    apis: Apis = field(default_factory=Apis)

    def setting(self, key: str) -> str:
        """A setting's value. Raises NotApplicable where the settings are not known."""
        if self.config is None:
            raise NotApplicable("the settings cannot be read")
        return self.config.values.get(key, "")

    @property
    def in_oci(self) -> str:
        """The OCID of the cluster, or of the compartment that it is to be made in. Raises NotApplicable."""
        ocid = self.setting("clusterOcid") or self.setting("compartmentOcid")
        return _applicable(ocid, "neither clusterOcid nor compartmentOcid is set")

    @property
    def compartment(self) -> str:
        """The OCID of the compartment in which the stack makes its cluster. Raises NotApplicable."""
        return _applicable(self.setting("compartmentOcid"), "the stack makes no cluster")

    @property
    def repository(self) -> str:
        """OWNER/NAME on GitHub. Raises NotApplicable."""
        return _applicable(self.setting("repository"), "repository is not set")

    def require_token(self) -> None:
        """Raises NotApplicable where nothing can be asked of GitHub, which one check tells for all."""
        if self.repository and not self.environment.get(GITHUB_TOKEN):
            raise NotApplicable(f"there is no {GITHUB_TOKEN}")

    @property
    def backend(self) -> str:
        """The scheme of the backend's URL."""
        return urlsplit(self.environment.get(BACKEND, "")).scheme


def _applicable(value: str, lack: str) -> str:
    if not value:
        raise NotApplicable(lack)
    return value


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment as the commands need it: with the project's tools, and the backend of `pulumi login`."""
    home = Path(environment.get("PULUMI_HOME") or Path(environment.get("HOME", "~")).expanduser() / ".pulumi")
    added: dict[str, str] = {}
    if not environment.get(BACKEND):
        try:
            added[BACKEND] = str(json.loads((home / "credentials.json").read_text(encoding="utf-8"))["current"])
        except (OSError, ValueError, KeyError, TypeError):
            added[BACKEND] = ""
    path = f"{environment.get('PATH', '')}:{_TOOLS.absolute()}"
    return {**environment, **added, "PATH": path, "PULUMI_SKIP_UPDATE_CHECK": "true"}


def situation(stack: str, environment: Mapping[str, str], apis: Apis) -> Situation:
    """The situation of a stack, with its settings where the engine can tell them."""
    environment = surroundings(environment)
    try:
        config = stack_config.load(stack, environment, SECONDS)
    except UserError:
        config = None
    return Situation(stack, environment, config, apis)
