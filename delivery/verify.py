"""Whether what was asked for is what runs: the stack's outputs against the cluster and the app's own answers."""

import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
from lightkube import ApiError, Client
from lightkube.core.exceptions import ConfigError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.core_v1 import ContainerStatus
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod, Secret

from components.log_lines import masked, secret_values
from components.rollout import find_obstacles
from components.secrets import APP_SECRETS, KAFKA_SECRETS
from delivery import CommandError

APPS = ("frontend", "backend")
PATHS = ("/", "/api/health")
SIMULATED = "its pods are simulated: no image is pulled, nothing runs and nothing listens"

_POLL_SECONDS = 2.0
_ANSWER_SECONDS = 10.0
_LOG_LINES = 10

State = Literal["passed", "failed", "not applicable"]
_Component = create_namespaced_resource("dapr.io", "v1alpha1", "Component", "components")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, what came of it, and the evidence for that."""

    name: str
    state: State
    evidence: str


@dataclass(frozen=True)
class Wanted:
    """What the stack's outputs promise; images: by app; url: where the app answers, empty where nothing leads to it."""

    namespace: str
    images: Mapping[str, str]
    components: Sequence[str]
    url: str


def wanted(outputs: Mapping[str, Any]) -> Wanted:
    """What a stack's outputs promise. Raises CommandError where the stack was never brought up."""
    try:
        return Wanted(outputs["namespace"], outputs["images"], outputs["daprComponents"], outputs["url"])
    except KeyError as error:
        raise CommandError(f"The stack has no output {error}: nothing was deployed.\n    pulumi up") from None


def verify(client: Client, expected: Wanted, seconds: float, report: Callable[[str], None]) -> list[Check]:
    """Looks until every check passes or the deadline of so many seconds is over.

    report: is told what is still awaited, each time that this changes.

    Raises CommandError where the cluster does not answer at all.
    """
    deadline = time.monotonic() + seconds
    reported = ""
    while True:
        checks = [*_look(client, expected)]
        failed = [check for check in checks if check.state == "failed"]
        if not failed or time.monotonic() >= deadline:
            return checks
        awaited = "; ".join(f"{check.name}: {check.evidence.splitlines()[0]}" for check in failed)
        if awaited != reported:
            report(f"waiting for {awaited}")
            reported = awaited
        time.sleep(_POLL_SECONDS)


def _look(client: Client, expected: Wanted) -> Iterator[Check]:
    try:
        deployments = {d.metadata.name: d for d in client.list(Deployment, namespace=expected.namespace) if d.metadata}
        pods = {app: [*_pods(client, expected.namespace, app)] for app in APPS}
        components = {c.metadata.name for c in client.list(_Component, namespace=expected.namespace) if c.metadata}
        for app in APPS:
            yield _rollout(client, app, deployments.get(app), pods[app])
    except (ApiError, httpx2.HTTPError, ConfigError) as error:
        raise CommandError(f"The cluster does not answer: {error}") from None
    for app in APPS:
        yield _image(app, expected.images[app], pods[app])
    yield _components(expected.components, components)
    yield _sidecars(pods["backend"])
    simulated = any(map(_is_simulated, [*pods["frontend"], *pods["backend"]]))
    for path in PATHS:
        yield Check(f"GET {path}", "not applicable", SIMULATED) if simulated else _answer(expected.url, path)


def _pods(client: Client, namespace: str, app: str) -> Iterator[Pod]:
    for pod in client.list(Pod, namespace=namespace, labels={"app": app}):
        if pod.metadata and not pod.metadata.deletionTimestamp:
            yield pod


def _rollout(client: Client, app: str, deployment: Deployment | None, pods: Sequence[Pod]) -> Check:
    name = f"rollout of {app}"
    if deployment is None or not deployment.spec or not deployment.status or not deployment.metadata:
        return Check(name, "failed", "there is no such deployment")
    status, replicas = deployment.status, deployment.spec.replicas
    counts = {
        "updated": status.updatedReplicas or 0,
        "ready": status.readyReplicas or 0,
        "available": status.availableReplicas or 0,
        "in all": status.replicas or 0,
    }
    seen = status.observedGeneration == deployment.metadata.generation
    told = f"of {replicas} replicas: {', '.join(f'{count} {what}' for what, count in counts.items())}"
    if seen and set(counts.values()) == {replicas}:
        return Check(name, "passed", told)
    causes = dict.fromkeys(find_obstacles([deployment], pods))
    return Check(name, "failed", "\n".join([told, *causes, *_last_words(client, app, pods)]))


def _last_words(client: Client, app: str, pods: Sequence[Pod]) -> Iterator[str]:
    """The last lines of the log of each pod that is not ready, without the app's secrets."""
    for pod in pods:
        status = next((s for s in _statuses(pod) if s.name == app), None)
        if status is None or status.ready or pod.metadata is None:
            continue
        name, namespace = pod.metadata.name or "", pod.metadata.namespace or ""
        try:
            lines = [*client.log(name, namespace=namespace, container=app, tail_lines=_LOG_LINES)]
            hidden = _secret_values(client, namespace)
        except ApiError:
            continue  # there is no log before a container's first start
        for line in lines:
            yield f"{name}: {masked(line.rstrip(), hidden)}"


def _secret_values(client: Client, namespace: str) -> list[str]:
    return secret_values(client.get(Secret, name, namespace=namespace) for name in (APP_SECRETS, KAFKA_SECRETS))


def _image(app: str, wanted_image: str, pods: Sequence[Pod]) -> Check:
    name = f"image of {app}"
    if any(map(_is_simulated, pods)):
        return Check(name, "not applicable", SIMULATED)
    if "@sha256:" not in wanted_image:
        return Check(name, "not applicable", f"{wanted_image} is a tag, which may be any image: name a digest")
    containers = [container for pod in pods if pod.spec for container in pod.spec.containers if container.name == app]
    running = sorted({container.image or "" for container in containers})
    # The kubelet checks what it pulls by digest; the ID that it reports is the index's or the platform's.
    if running == [wanted_image]:
        return Check(name, "passed", wanted_image)
    return Check(name, "failed", f"{', '.join(running) or 'nothing'} runs, and not {wanted_image}")


def _components(expected: Sequence[str], found: Container[str | None]) -> Check:
    missing = [component for component in expected if component not in found]
    if missing:
        return Check("Dapr components", "failed", f"{', '.join(missing)} missing")
    return Check("Dapr components", "passed", ", ".join(expected))


def _sidecars(pods: Sequence[Pod]) -> Check:
    # A sidecar is ready once it has loaded every component of its app:
    # https://docs.dapr.io/operations/resiliency/health-checks/sidecar-health/
    if any(map(_is_simulated, pods)):
        return Check("Dapr sidecars", "not applicable", SIMULATED)
    sidecars = [status for pod in pods for status in _statuses(pod) if status.name == "daprd"]
    ready = sum(status.ready for status in sidecars)
    passed = bool(pods) and ready == len(pods)
    return Check("Dapr sidecars", "passed" if passed else "failed", f"{ready} ready in {len(pods)} pods of the backend")


def _answer(url: str, path: str) -> Check:
    name = f"GET {path}"
    if not url:
        return Check(name, "failed", "the ingress has no address yet")
    try:
        response = httpx2.get(f"{url}{path}", timeout=_ANSWER_SECONDS, follow_redirects=True)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Check(name, "failed", f"{url}{path} does not answer: {error}")
    state: State = "passed" if response.is_success else "failed"
    return Check(name, state, f"{response.status_code} from {url}{path}")


def _statuses(pod: Pod) -> Sequence[ContainerStatus]:
    return (pod.status and pod.status.containerStatuses) or []


def _is_simulated(pod: Pod) -> bool:
    """Whether no kubelet runs it: a kubelet names the image of each container that runs."""
    return any(status.state and status.state.running and not status.imageID for status in _statuses(pod))
