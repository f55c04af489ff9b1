"""Which cluster and identity a kubeconfig leads to, and kubeconfigs of one context."""

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

_LONGEST_PATH = 255


class KubeconfigError(ValueError):
    """A kubeconfig that leads to no cluster; the message is one clause for the user."""


@dataclass(frozen=True, repr=False)
class Kubeconfig:
    """One context of a kubeconfig.

    Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
    """

    source: str  # a path (`~` works), which keeps credentials out of the stack's state, or the YAML itself
    context: str
    server: str  # the API server's URL
    config: SingleConfig
    kubectl: str  # with the options that lead to the same cluster as the same identity, for bash or zsh

    @property
    def is_path(self) -> bool:
        """Whether the source is a path, and not content, which is a secret."""
        return is_path(self.source)

    def client(self) -> Client:
        """Return a client that authenticates as kubectl does: by certificate, token or exec plug-in."""
        return Client(config=self.config)

    def async_client(self) -> AsyncClient:
        return AsyncClient(config=self.config)

    def __repr__(self) -> str:
        return f"Kubeconfig({self.context!r} at {self.server!r})"


def is_path(source: str) -> bool:
    """Return whether a kubeconfig is a path, and not content: YAML of several lines, JSON, or a longer text."""
    return "\n" not in source and not source.lstrip().startswith("{") and len(source) <= _LONGEST_PATH


def read(source: str, context: str | None = None) -> Kubeconfig:
    """Read a kubeconfig, given as a path or as content, and choose a context, by default the current one.

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
            f"it has no context {name!r}, only {known}" if name else f"none of its contexts ({known}) is current"
        )
    try:
        chosen = config.get(name)
    except (ConfigError, KeyError):
        chosen = None
    if chosen is None or chosen.user is None or not chosen.cluster.server.startswith("http"):
        raise KubeconfigError(f"its context {name!r} lacks a cluster or a user")
    file = "<(pulumi config get kubeconfig)" if path is None else source
    kubectl = f"kubectl --kubeconfig {file} --context {chosen.context_name}"
    return Kubeconfig(source, chosen.context_name, chosen.cluster.server, chosen, kubectl)


def build(name: str, cluster: Mapping[str, object], user: Mapping[str, object], namespace: str | None = None) -> str:
    """Return a kubeconfig of one context as YAML. The context, its cluster and its user have the same name."""
    context = {"cluster": name, "user": name} | ({} if namespace is None else {"namespace": namespace})
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": dict(cluster)}],
        "users": [{"name": name, "user": dict(user)}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }
    return yaml.safe_dump(document, sort_keys=False)


def of_service_account(name: str, namespace: str, server: str, data: Mapping[str, str]) -> str:
    """Return the kubeconfig of a service account as YAML, which is a secret.

    data: of the account's Secret of type kubernetes.io/service-account-token.
    Source: https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets
    """
    cluster = {"server": server, "certificate-authority-data": data["ca.crt"]}
    return build(name, cluster, {"token": base64.b64decode(data["token"]).decode()}, namespace)


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
