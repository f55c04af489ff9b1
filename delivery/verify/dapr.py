"""Whether Dapr's sidecars are healthy and have loaded the app's components, by what each wrote at its start.

Sources: https://docs.dapr.io/operations/resiliency/health-checks/sidecar-health/, and the texts from Dapr 1.15.4:
pkg/runtime/processor/components.go, cmd/daprd/app/app.go. A sidecar can be ready without its components:
https://github.com/dapr/dapr/issues/7326
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lightkube.models.core_v1 import ContainerStatus
from lightkube.resources.core_v1 import Pod

from delivery.report import Check
from delivery.verify.logs import Logs
from delivery.verify.snapshot import SIMULATED, is_simulated
from kube.objects import annotations, container_statuses, name

DAPRD = "daprd"
COMPONENTS = "Dapr components"
SIDECARS = "Dapr sidecars"

_NONE_ASKED = "its pods ask for no sidecar (dapr.enabled in the chart values)"
_BEGINS = "Starting Dapr Runtime"
_LOADED = re.compile(r"Component loaded: (?P<name>\S+) \(")
_FAILED = (
    re.compile(r"Failed to init component (?P<name>\S+) \([^)]*\): (?P<error>.+)"),
    re.compile(r"process component (?P<name>\S+) error: (?P<error>.+)"),  # of a type that there is not
    re.compile(r"failed to load (?P<name>components): (?P<error>.+)"),  # not even read from the operator
)


def sidecars(pods: Sequence[Pod]) -> Check:
    """Whether every pod of the backend has a sidecar that is ready."""
    if any(map(is_simulated, pods)):
        return Check(SIDECARS, "not applicable", SIMULATED)
    if pods and not any(map(_asks_for_one, pods)):
        return Check(SIDECARS, "not applicable", _NONE_ASKED)
    ready = sum(_is_ready(pod) for pod in pods)
    passed = bool(pods) and ready == len(pods)
    return Check(SIDECARS, "passed" if passed else "failed", f"{ready} ready in {len(pods)} pods of the backend")


def components(expected: Sequence[str], existing: Collection[str], pods: Sequence[Pod], logs: Logs) -> Check:
    """Whether every sidecar has loaded every component.

    expected: their names; existing: those of the custom resources; pods: of the backend.
    """
    if missing := [component for component in expected if component not in existing]:
        return Check(COMPONENTS, "failed", f"{', '.join(missing)} missing")
    listed = ", ".join(expected)
    if any(map(is_simulated, pods)):
        return Check(COMPONENTS, "not applicable", f"{SIMULATED}, and no sidecar loads {listed}")
    if not pods:
        return Check(COMPONENTS, "failed", "no pod of the backend is there to load them")
    if not any(map(_asks_for_one, pods)):
        return Check(COMPONENTS, "not applicable", _NONE_ASKED)
    found = {name(pod): _loads(expected, pod, logs) for pod in pods}
    if not all(loads.proven for loads in found.values()):
        told = "; ".join(f"{pod}: {loads.told}" for pod, loads in found.items() if not loads.proven)
        return Check(COMPONENTS, "failed", told, [*_causes(found)])
    notes = [f"{pod}: {loads.told}" for pod, loads in found.items() if loads.told]
    return Check(COMPONENTS, "passed", "; ".join([f"{listed} loaded by {_count(len(pods), 'sidecar')}", *notes]))


@dataclass(frozen=True)
class _Loads:
    """Of one sidecar: whether it is proven to have loaded all, what else there is to say, and its errors."""

    proven: bool
    told: str
    errors: Mapping[str, str]


def _loads(expected: Sequence[str], pod: Pod, logs: Logs) -> _Loads:
    start = logs.start(pod, DAPRD)
    lines = [*map(_message, start or [])]
    left = [component for component in expected if component not in _loaded(lines)]
    if not left:
        return _Loads(proven=True, told="", errors={})
    errors = _errors(lines) or _errors(map(_message, logs.start_of_previous(pod, DAPRD)))
    reaches_back = any(line.startswith(_BEGINS) for line in lines)
    if _is_ready(pod) and not reaches_back and not errors:
        why = "cannot be read" if start is None else "has no start (rotated, or above the level info)"
        told = f"its sidecar's log {why}, so {', '.join(left)} by readiness"
        return _Loads(proven=True, told=told, errors={})
    return _Loads(proven=False, told=f"{', '.join(left)} not loaded", errors=errors)


def _loaded(lines: Iterable[str]) -> Collection[str]:
    return {found["name"] for line in lines if (found := _LOADED.match(line))}


def _errors(lines: Iterable[str]) -> Mapping[str, str]:
    """The first error of each component: the others only hand it on."""
    errors: dict[str, str] = {}
    for line in lines:
        for form in _FAILED:
            if found := form.search(line):
                errors.setdefault(found["name"], found["error"])
    return errors


def _causes(found: Mapping[str | None, _Loads]) -> Iterator[str]:
    for pod, loads in found.items():
        for component, error in loads.errors.items():
            yield f"{pod}: {component} does not load: {error}"


def _message(line: str) -> str:
    """The message of a line of a sidecar's log, which is JSON but for what a panic prints."""
    try:
        document = json.loads(line)
    except ValueError:
        return line
    return " ".join(str(document.get("msg", "")).splitlines()) if isinstance(document, dict) else line


def _asks_for_one(pod: Pod) -> bool:
    return annotations(pod).get("dapr.io/enabled") == "true"


def _is_ready(pod: Pod) -> bool:
    return any(status.ready for status in _sidecars_of(pod))


def _sidecars_of(pod: Pod) -> Iterator[ContainerStatus]:
    return (status for status in container_statuses(pod) if status.name == DAPRD)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
