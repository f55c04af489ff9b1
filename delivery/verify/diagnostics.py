"""Why a check failed: the warnings of the cluster's events, and the last words of the containers."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ConfigError
from lightkube.models.core_v1 import ContainerStatus
from lightkube.resources.core_v1 import Event, Pod

from delivery.report import Check
from delivery.verify.dapr import SIDECARS
from delivery.verify.http import PATHS, answer_of
from delivery.verify.logs import Logs
from delivery.verify.rollouts import rollout_of
from delivery.verify.snapshot import Sight
from kube.objects import container_statuses, init_container_statuses, name
from settings.names import APPS

_ANSWERS = {answer_of(path) for path in PATHS}
# Whose pods a check is about.
_APP_OF = {**{rollout_of(app): app for app in APPS}, SIDECARS: "backend"}

_EVENTS = 5
_LOG_LINES = 10
_LONGEST = 300

# What an answer through the ingress needs beside the pods: an address, and cert-manager's way to a certificate.
_OF_THE_INGRESS = {"Ingress", "Certificate", "CertificateRequest", "Order", "Challenge", "Issuer"}


def explained(client: Client, logs: Logs, namespace: str, sight: Sight, checks: Sequence[Check]) -> Iterator[Check]:
    """The checks, each that failed with what the cluster says of it. What it does not say is left out."""
    events = _warnings(client, namespace)
    untold = {*APPS}
    for check in checks:
        why: Sequence[str] = []
        app = _APP_OF.get(check.name, "")
        if check.state == "failed" and check.name in _ANSWERS:
            why = _told(event for event in events if event.kind in _OF_THE_INGRESS)
        elif check.state == "failed" and app in untold:
            untold.remove(app)
            pods = sight.pods[app]
            warnings = _told(event for event in events if event.is_of(app, {*map(name, pods)}))
            why = [*warnings, *(line for pod in pods for line in _last_words(logs, pod))]
        yield replace(check, causes=[*dict.fromkeys([*check.causes, *why])])


@dataclass(frozen=True)
class _Warning:
    """An event; name: of the object that it is about."""

    kind: str
    name: str
    reason: str
    message: str
    time: datetime

    def is_of(self, app: str, pods: Collection[str | None]) -> bool:
        """Whether it is about an app's deployment, or what the deployment made."""
        match self.kind:
            case "Deployment" | "HorizontalPodAutoscaler":
                return self.name == app
            case "ReplicaSet":
                return self.name.rpartition("-")[0] == app
            case _:
                return self.kind == "Pod" and self.name in pods


def _warnings(client: Client, namespace: str) -> Sequence[_Warning]:
    """The latest first."""
    try:
        events = [*client.list(Event, namespace=namespace, fields={"type": "Warning"})]
    except (httpx2.HTTPError, ConfigError):
        return []
    return sorted(map(_warning, events), key=lambda event: event.time, reverse=True)


def _warning(event: Event) -> _Warning:
    times = [event.lastTimestamp, event.series and event.series.lastObservedTime, event.eventTime]
    time = next(filter(None, times), datetime.min.replace(tzinfo=UTC))
    about = event.involvedObject
    return _Warning(about.kind or "", about.name or "", event.reason or "", event.message or "", time)


def _told(events: Iterator[_Warning]) -> Sequence[str]:
    """Of what differs in numbers and names alone, the latest."""
    told: dict[object, str] = {}
    for event in events:
        message = " ".join(event.message.split())
        alike = (event.kind, event.reason, re.sub(r"\S*\d\S*", "", message))
        told.setdefault(
            alike, f"{event.time:%H:%M:%S} UTC {event.kind} {event.name}: {event.reason}: {message[:_LONGEST]}"
        )
    return [*told.values()][:_EVENTS]


def _last_words(logs: Logs, pod: Pod) -> Iterator[str]:
    """The last lines of each container that is not ready, and of the one before where that one crashed."""
    for status in _not_ready(pod):
        where = f"{name(pod)} {status.name}"
        if status.restartCount and status.state and status.state.running:
            for line in logs.end_of_previous(pod, status.name, _LOG_LINES):
                yield f"{where} before its restart: {line.rstrip()}"
        for line in logs.end(pod, status.name, _LOG_LINES):
            yield f"{where}: {line.rstrip()}"


def _not_ready(pod: Pod) -> Sequence[ContainerStatus]:
    started = [status for status in container_statuses(pod) if not status.ready]
    # One that ran to its end is not ready either.
    first = [status for status in init_container_statuses(pod) if not status.ready and not _is_done(status)]
    return [*first, *started]


def _is_done(status: ContainerStatus) -> bool:
    ended = status.state and status.state.terminated
    return bool(ended) and ended.exitCode == 0
