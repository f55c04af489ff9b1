"""The logs of containers.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
from lightkube import Client
from lightkube.config.client_adapter import Client as HttpClient
from lightkube.config.client_adapter import ConnectionParams
from lightkube.core.exceptions import ConfigError
from lightkube.resources.core_v1 import Pod

from kube.objects import name, namespace

# A sidecar loads its components in the first tens of lines.
_START_BYTES = 262_144


@contextmanager
def open_logs(client: Client) -> Generator["Logs"]:
    # The client's own method `log` has neither `previous` nor `limitBytes`.
    with HttpClient(client.config, ConnectionParams()) as http:
        yield Logs(http)


@dataclass(frozen=True)
class Logs:
    """The logs of a cluster's containers, empty where the kubelet has none, as before a start."""

    _http: httpx2.Client

    def start(self, pod: Pod, container: str) -> Sequence[str] | None:
        """Return the first lines since the kubelet's last rotation, at 10 MiB, or None where they cannot be read."""
        return self._read(pod, {"container": container, "limitBytes": _START_BYTES})

    def start_of_previous(self, pod: Pod, container: str) -> Sequence[str]:
        """Return the first lines before the last restart."""
        return self._read(pod, {"container": container, "limitBytes": _START_BYTES, "previous": True}) or []

    def end(self, pod: Pod, container: str, lines: int) -> Sequence[str]:
        """Return the last lines, of the last run where none is running."""
        return self._read(pod, {"container": container, "tailLines": lines}) or []

    def end_of_previous(self, pod: Pod, container: str, lines: int) -> Sequence[str]:
        """Return the last lines before the last restart."""
        return self._read(pod, {"container": container, "tailLines": lines, "previous": True}) or []

    def _read(self, pod: Pod, query: Mapping[str, str | int | bool]) -> Sequence[str] | None:
        try:
            response = self._http.get(f"/api/v1/namespaces/{namespace(pod)}/pods/{name(pod)}/log", params=query)
        except (httpx2.HTTPError, ConfigError):
            return None
        return response.text.splitlines() if response.is_success else None
