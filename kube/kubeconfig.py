"""Which cluster and identity a kubeconfig leads to."""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml
from lightkube import AsyncClient, Client, KubeConfig
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.exceptions import ConfigError

from oke import PLUGIN

_LONGEST_PATH = 255


class KubeconfigError(ValueError):
    """A kubeconfig that leads to no cluster; the message is one clause for the user."""


@dataclass(frozen=True, repr=False)
class Kubeconfig:
    """One context of a kubeconfig.

    source: a path (kubectl's `~` works) or the YAML content itself, as the user gave it: a path keeps every credential
        out of the stack's state.
    context: the context's name.
    server: the API server's URL.
    Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
    """

    source: str
    context: str
    server: str
    config: SingleConfig

    @property
    def is_path(self) -> bool:
        """Whether the source is a path, which is no secret, and not the content, which is one."""
        return is_path(self.source)

    def client(self) -> Client:
        """A client that authenticates as kubectl would with this context: certificate, token or exec plug-in."""
        return Client(config=self.config)

    def async_client(self) -> AsyncClient:
        """The same, for a program that waits for other things meanwhile."""
        return AsyncClient(config=self.config)

    @property
    def kubectl(self) -> str:
        """How a user's own kubectl reaches the same cluster as the same identity, for bash or zsh."""
        if self.is_path:
            return f"kubectl --kubeconfig {self.source} --context {self.context}"
        if self._of_oci:
            return f"kubectl --kubeconfig <(python -m delivery kubeconfig {self._of_oci})"
        return f"kubectl --kubeconfig <(pulumi config get kubeconfig) --context {self.context}"

    @property
    def _of_oci(self) -> str:
        """The options of this repository's own plug-in, which are those of `delivery kubeconfig` too; else empty."""
        plugin = self.config.user and self.config.user.exec
        arguments = (plugin and plugin.args) or []
        return " ".join(arguments[arguments.index(PLUGIN) + 1 :]) if PLUGIN in arguments else ""

    def __repr__(self) -> str:
        return f"Kubeconfig({self.context!r} at {self.server!r})"


def is_path(source: str) -> bool:
    """Whether a kubeconfig is given as a path, and not as content: YAML of several lines, JSON, or what is too long."""
    return "\n" not in source and not source.lstrip().startswith("{") and len(source) <= _LONGEST_PATH


def read(source: str, context: str) -> Kubeconfig:
    """Reads a kubeconfig, given as a path or as content, and chooses a context: the current one where none is named.

    Raises KubeconfigError where there is no file, no YAML, no such context, or no server behind it.
    """
    path = Path(os.path.expanduser(source)) if is_path(source) else None  # noqa: PTH111 (which fails for no such user)
    document = _document(source, path)
    try:
        config = KubeConfig.from_dict(document, fname=path)
    except Exception:  # noqa: BLE001 (whatever its parser meets, KeyError to ValidationError, means one thing to the user)
        raise KubeconfigError("a cluster, context or user in it is incomplete") from None
    name = context or config.current_context
    if name not in [*config.contexts]:
        known = ", ".join(sorted(config.contexts))
        raise KubeconfigError(
            f"it has no context {name!r}, only {known}" if name else f"of its contexts ({known}) none is current"
        )
    try:
        chosen = config.get(name)
    except (ConfigError, KeyError):
        chosen = None
    if chosen is None or chosen.user is None or not chosen.cluster.server.startswith("http"):
        raise KubeconfigError(f"its context {name!r} lacks a cluster or a user")
    return Kubeconfig(source, chosen.context_name, chosen.cluster.server, chosen)


def of_service_account(name: str, namespace: str, server: str, data: Mapping[str, str]) -> str:
    """The kubeconfig of a service account, a secret as a whole, as YAML.

    server: the API server's URL; data: of its Secret of type kubernetes.io/service-account-token.
    Source: https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets
    """
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": {"server": server, "certificate-authority-data": data["ca.crt"]}}],
        "users": [{"name": name, "user": {"token": base64.b64decode(data["token"]).decode()}}],
        "contexts": [{"name": name, "context": {"cluster": "cluster", "user": name, "namespace": namespace}}],
        "current-context": name,
    }
    return yaml.safe_dump(document, sort_keys=False)


def _document(source: str, path: Path | None) -> dict[str, object]:
    try:
        document: object = yaml.safe_load(source if path is None else path.read_text())
    except FileNotFoundError:
        raise KubeconfigError(f"there is no file {source}") from None
    except OSError as error:
        raise KubeconfigError(f"the file {source} cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise KubeconfigError("it is not YAML") from None
    if not isinstance(document, dict) or not document.get("clusters") or not document.get("contexts"):
        raise KubeconfigError("it names no clusters or no contexts")
    return cast("dict[str, object]", document)
