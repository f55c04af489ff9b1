"""What a container wrote.

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
def reading_logs(client: Client) -> Generator["Logs"]:
    """The logs of a client's cluster, for as long as the block takes."""
    # The method `log` of that client knows neither `previous` nor `limitBytes`.
    with HttpClient(client.config, ConnectionParams()) as http:
        yield Logs(http)


@dataclass(frozen=True)
class Logs:
    """The logs of the containers of a cluster. Most are empty where the kubelet gives none, as before a start."""

    _http: httpx2.Client

    def start(self, pod: Pod, container: str) -> Sequence[str] | None:
        """The first lines that the kubelet still has, which rotates a log at 10 MiB; None where nobody gives it."""
        return self._read(pod, {"container": container, "limitBytes": _START_BYTES})

    def start_of_previous(self, pod: Pod, container: str) -> Sequence[str]:
        """The same of the container that ran before the last restart."""
        return self._read(pod, {"container": container, "limitBytes": _START_BYTES, "previous": True}) or []

    def end(self, pod: Pod, container: str, lines: int) -> Sequence[str]:
        """The last lines, of the last one that ran where none runs."""
        return self._read(pod, {"container": container, "tailLines": lines}) or []

    def end_of_previous(self, pod: Pod, container: str, lines: int) -> Sequence[str]:
        """The last lines of the container that ran before the last restart."""
        return self._read(pod, {"container": container, "tailLines": lines, "previous": True}) or []

    def _read(self, pod: Pod, query: Mapping[str, str | int | bool]) -> Sequence[str] | None:
        try:
            answer = self._http.get(f"/api/v1/namespaces/{namespace(pod)}/pods/{name(pod)}/log", params=query)
        except (httpx2.HTTPError, ConfigError):
            return None
        return answer.text.splitlines() if answer.is_success else None
