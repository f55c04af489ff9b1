"""Checks that Dapr's sidecars are ready and have loaded the app's components, by their logs since the start.

Sources: https://docs.dapr.io/operations/resiliency/health-checks/sidecar-health/, and the messages of Dapr 1.15.4:
pkg/runtime/processor/components.go, cmd/daprd/app/app.go. A sidecar can be ready without its components:
https://github.com/dapr/dapr/issues/7326
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lightkube.resources.core_v1 import Pod

from delivery.report import Check
from delivery.verify.logs import Logs
from delivery.verify.snapshot import SIMULATED, is_simulated
from kube.objects import annotations, container_statuses, name

COMPONENTS = "Dapr components"
SIDECARS = "Dapr sidecars"

_DAPRD = "daprd"
_DISABLED = "the pods have no sidecar (dapr.enabled in the chart's values)"
_STARTING = "Starting Dapr Runtime"
_LOADED = re.compile(r"Component loaded: (?P<name>\S+) \(")
_FAILED = (
    re.compile(r"Failed to init component (?P<name>\S+) \([^)]*\): (?P<error>.+)"),
    re.compile(r"process component (?P<name>\S+) error: (?P<error>.+)"),  # of an unknown type
    re.compile(r"failed to load (?P<name>components): (?P<error>.+)"),  # not read from the operator
)


def check_sidecars(pods: Sequence[Pod]) -> Check:
    """Check that every pod of the backend has a ready sidecar."""
    if any(map(is_simulated, pods)):
        return Check(SIDECARS, "not applicable", SIMULATED)
    if pods and not any(map(_is_enabled, pods)):
        return Check(SIDECARS, "not applicable", _DISABLED)
    ready = sum(map(_is_ready, pods))
    passed = bool(pods) and ready == len(pods)
    return Check(SIDECARS, "passed" if passed else "failed", f"{ready} of {len(pods)} ready")


def check_components(
    expected: Sequence[str],
    existing: Collection[str | None],  # the names of the custom resources
    pods: Sequence[Pod],  # of the backend
    logs: Logs,
) -> Check:
    """Check that every sidecar has loaded every component."""
    if missing := [component for component in expected if component not in existing]:
        return Check(COMPONENTS, "failed", f"{', '.join(missing)} missing")
    listed = ", ".join(expected)
    if any(map(is_simulated, pods)):
        return Check(COMPONENTS, "not applicable", f"{SIMULATED}, and no sidecar loads {listed}")
    if not pods:
        return Check(COMPONENTS, "failed", "the backend has no pod")
    if not any(map(_is_enabled, pods)):
        return Check(COMPONENTS, "not applicable", _DISABLED)
    loads = {name(pod): _load(expected, pod, logs) for pod in pods}
    if not all(load.complete for load in loads.values()):
        incomplete = "; ".join(f"{pod}: {load.note}" for pod, load in loads.items() if not load.complete)
        return Check(COMPONENTS, "failed", incomplete, [*_causes(loads)])
    notes = [f"{pod}: {load.note}" for pod, load in loads.items() if load.note]
    sidecars = f"{len(pods)} sidecar{'' if len(pods) == 1 else 's'}"
    return Check(COMPONENTS, "passed", "; ".join([f"{listed} loaded by {sidecars}", *notes]))


@dataclass(frozen=True)
class _Load:
    """The components of one sidecar."""

    complete: bool
    note: str | None = None
    errors: Mapping[str, str] | None = None  # by component


def _load(expected: Sequence[str], pod: Pod, logs: Logs) -> _Load:
    start = logs.start(pod, _DAPRD)
    lines = [*map(_message, start or [])]
    loaded = {found["name"] for line in lines if (found := _LOADED.match(line))}
    missing = ", ".join(component for component in expected if component not in loaded)
    if not missing:
        return _Load(complete=True)
    errors = _errors(lines) or _errors(map(_message, logs.start_of_previous(pod, _DAPRD)))
    has_start = any(line.startswith(_STARTING) for line in lines)
    if _is_ready(pod) and not has_start and not errors:
        why = "cannot be read" if start is None else "lacks its start (rotated, or above the level info)"
        return _Load(complete=True, note=f"the sidecar's log {why}, so {missing} by readiness")
    return _Load(complete=False, note=f"{missing} not loaded", errors=errors)


def _errors(lines: Iterable[str]) -> Mapping[str, str]:
    """Return the first error of each component: later ones repeat it."""
    errors: dict[str, str] = {}
    for line in lines:
        for form in _FAILED:
            if found := form.search(line):
                errors.setdefault(found["name"], found["error"])
    return errors


def _causes(loads: Mapping[str | None, _Load]) -> Iterator[str]:
    for pod, load in loads.items():
        for component, error in (load.errors or {}).items():
            yield f"{pod}: {component} failed to load: {error}"


def _message(line: str) -> str:
    """Return the message of a line of a sidecar's log, which is JSON except for a panic."""
    try:
        document = json.loads(line)
    except ValueError:
        return line
    return " ".join(str(document.get("msg", "")).splitlines()) if isinstance(document, dict) else line


def _is_enabled(pod: Pod) -> bool:
    return annotations(pod).get("dapr.io/enabled") == "true"


def _is_ready(pod: Pod) -> bool:
    return any(status.ready for status in container_statuses(pod) if status.name == _DAPRD)
