"""Why a check failed: warning events, and the last log lines of containers that are not ready."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ConfigError
from lightkube.models.core_v1 import ContainerStatus
from lightkube.resources.core_v1 import Event, Pod

from delivery.report import Check
from delivery.verify import dapr, http, rollouts
from delivery.verify.logs import Logs
from delivery.verify.snapshot import Snapshot
from kube.objects import container_statuses, init_container_statuses, name
from settings.names import APPS

_HTTP_CHECKS = {http.check_name(path) for path in http.PATHS}
# The app whose pods a check is about.
_APP_OF = {**{rollouts.check_name(app): app for app in APPS}, dapr.SIDECARS: "backend"}

_EVENTS = 5
_LOG_LINES = 10
_EVENT_LENGTH = 300

# A response through the ingress needs an address, and the objects that cert-manager issues a certificate by.
_INGRESS_KINDS = {"Ingress", "Certificate", "CertificateRequest", "Order", "Challenge", "Issuer"}


def with_causes(
    client: Client, logs: Logs, namespace: str, snapshot: Snapshot, checks: Sequence[Check]
) -> Iterator[Check]:
    """Yield the checks, the failed ones with their causes in the cluster, and each app's causes only once."""
    events = _warnings(client, namespace)
    apps = {*APPS}
    for check in checks:
        causes: Sequence[str] = []
        app = _APP_OF.get(check.name)
        if check.state == "failed" and check.name in _HTTP_CHECKS:
            causes = _latest(event for event in events if event.kind in _INGRESS_KINDS)
        elif check.state == "failed" and app in apps:
            apps.remove(app)
            pods = snapshot.pods[app]
            warnings = _latest(event for event in events if event.is_about(app, {*map(name, pods)}))
            causes = [*warnings, *(line for pod in pods for line in _last_lines(logs, pod))]
        yield replace(check, causes=[*dict.fromkeys([*check.causes, *causes])])


@dataclass(frozen=True)
class _Warning:
    """A warning event, and the object that it is about."""

    kind: str | None
    name: str | None
    reason: str | None
    message: str
    time: datetime

    def is_about(self, app: str, pods: Collection[str | None]) -> bool:
        """Return whether the object is an app's deployment or belongs to it."""
        match self.kind:
            case "Deployment" | "HorizontalPodAutoscaler":
                return self.name == app
            case "ReplicaSet":
                return self.name is not None and self.name.rpartition("-")[0] == app
            case _:
                return self.kind == "Pod" and self.name in pods


def _warnings(client: Client, namespace: str) -> Sequence[_Warning]:
    """Return the warnings, the latest first; none where they cannot be read."""
    try:
        events = [*client.list(Event, namespace=namespace, fields={"type": "Warning"})]
    except (httpx2.HTTPError, ConfigError):
        return []
    return sorted(map(_warning, events), key=lambda event: event.time, reverse=True)


def _warning(event: Event) -> _Warning:
    times = [event.lastTimestamp, event.series and event.series.lastObservedTime, event.eventTime]
    time = next(filter(None, times), datetime.min.replace(tzinfo=UTC))
    about = event.involvedObject
    return _Warning(about.kind, about.name, event.reason, " ".join((event.message or "").split()), time)


def _latest(events: Iterable[_Warning]) -> Sequence[str]:
    """Return the latest events, one of each kind of message: numbers and names do not count."""
    latest: dict[object, str] = {}
    for event in events:
        key = (event.kind, event.reason, re.sub(r"\S*\d\S*", "", event.message))
        text = f"{event.kind} {event.name}: {event.reason}: {event.message[:_EVENT_LENGTH]}"
        latest.setdefault(key, f"{event.time:%H:%M:%S} UTC {text}")
    return [*latest.values()][:_EVENTS]


def _last_lines(logs: Logs, pod: Pod) -> Iterator[str]:
    """Yield the last lines of each container that is not ready, and those before its restart where it runs again."""
    for status in _not_ready(pod):
        where = f"{name(pod)} {status.name}"
        if status.restartCount and status.state and status.state.running:
            for line in logs.end_of_previous(pod, status.name, _LOG_LINES):
                yield f"{where} before its restart: {line.rstrip()}"
        for line in logs.end(pod, status.name, _LOG_LINES):
            yield f"{where}: {line.rstrip()}"


def _not_ready(pod: Pod) -> Sequence[ContainerStatus]:
    # A completed init container is not ready either.
    init = [status for status in init_container_statuses(pod) if not status.ready and not _is_completed(status)]
    return [*init, *(status for status in container_statuses(pod) if not status.ready)]


def _is_completed(status: ContainerStatus) -> bool:
    ended = status.state and status.state.terminated
    return bool(ended) and ended.exitCode == 0
