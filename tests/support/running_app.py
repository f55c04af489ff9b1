"""The app on a stand-in for its cluster, as the outputs of its stack say, until a test changes something."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from delivery.report import Check
from delivery.verify.loop import Pacing
from delivery.verify.run import Result, verify_stack
from tests.support import deployer, oci_api
from tests.support.api_server import Answer, ApiServer
from tests.support.pulumi_command import PulumiCommand, update

NAMESPACE = "/api/v1/namespaces/todo"
DEPLOYMENTS = "/apis/apps/v1/namespaces/todo/deployments"
PODS = f"{NAMESPACE}/pods"
LOG = f"{PODS}/pod-1/log"
EVENTS = f"{NAMESPACE}/events"
COMPONENTS = "/apis/dapr.io/v1alpha1/namespaces/todo/components"
IMAGES = {"frontend": f"r.example/f@sha256:{'1a' * 32}", "backend": f"r.example/b@sha256:{'1b' * 32}"}
TRUSTED = oci_api.certificate(timedelta(days=365)).decode()
RUNNING = {"running": {"startedAt": "2026-11-24T02:31:41Z"}}
FAST = Pacing(poll_seconds=0.01, steady_seconds=0)
BEGINS = "Starting Dapr Runtime -- version 1.15.4 -- commit 1a2b3c"
LOADED = ("Component loaded: todo-pubsub (pubsub.kafka/v1)", "Component loaded: todo-state (state.postgresql/v2)")


class RunningApp:
    """The server does not select by label: its pods are those of both apps."""

    def __init__(self, pulumi: PulumiCommand, server: ApiServer) -> None:
        self.pulumi = pulumi  # with a stack whose last update is number 1
        self.server = server  # the API server, and the ingress
        self.promises()
        pulumi.has_state(*deployer.state(server.url))
        pulumi.made(update(""))
        self.runs(deployments(), pod())
        server.has_list(COMPONENTS, {"metadata": {"name": "todo-pubsub"}}, {"metadata": {"name": "todo-state"}})
        self.writes(daprd_log(BEGINS, *LOADED), container="daprd")
        server.answers["/"] = Answer(b"<!doctype html>", content_type="text/html")
        server.has("/api/health", {"status": "ok"})
        self.has_secrets({})

    def verify(self, seconds: float | None = 0, pacing: Pacing = FAST) -> Result:
        return verify_stack("oke", seconds, pacing)

    def check(self, name: str) -> Check:
        return self.checks()[name]

    def checks(self) -> Mapping[str, Check]:
        return {check.name: check for check in self.verify().checks}

    def promises(self, **outputs: Any) -> None:
        promised: dict[str, Any] = {
            "namespace": "todo",
            "images": IMAGES,
            "daprComponents": ["todo-pubsub", "todo-state"],
            "url": self.server.url,
            "verifyTimeoutSeconds": 60,
            **outputs,
        }
        self.pulumi.has_outputs(promised)

    def runs(self, deployments: list[dict[str, Any]], *pods: Mapping[str, Any]) -> None:
        self.server.has_list(DEPLOYMENTS, *deployments)
        self.server.has_list(PODS, *pods)

    def writes(self, log: str, *, container: str, previous: bool = False) -> None:
        """Set the log of a container of the only pod."""
        query = f"container={container}" + ("&previous=true" if previous else "")
        self.server.answers[f"{LOG}?{query}"] = Answer(log.encode(), content_type="text/plain")

    def has_secrets(self, app: Mapping[str, str], **others: Mapping[str, str]) -> None:
        """app: of `app-secrets`; others: by their names, with `_` for `-`."""
        for name, values in {"app_secrets": app, **others}.items():
            encoded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
            secret = name.replace("_", "-")
            self.server.has(f"{NAMESPACE}/secrets/{secret}", {"metadata": {"name": secret}, "data": encoded})

    def has_events(self, *events: Mapping[str, Any]) -> None:
        self.server.has_list(f"{EVENTS}?fieldSelector=type%3DWarning", *events)


def deployments(**status: int) -> list[dict[str, Any]]:
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
    return [
        {
            "metadata": {"name": app, "generation": 2},
            "spec": {"replicas": 1, "selector": {}, "template": {}},
            "status": {"observedGeneration": 2, **counts, **status},
        }
        for app in IMAGES
    ]


def pod(
    *,
    images: Mapping[str, str] = IMAGES,
    image_id: str = "sha256:1c",
    restarts: int = 0,
    trusted: str = TRUSTED,  # the root certificates of the sidecar, as PEM
    **states: Mapping[str, Any],  # of the containers that are not ready
) -> dict[str, Any]:
    """A pod with the containers of both apps and the sidecar."""
    containers = {**images, "daprd": "r.example/daprd:1"}
    return {
        "metadata": {
            "name": "pod-1",
            "namespace": "todo",
            "uid": "1d",
            "labels": {"app": "backend"},
            "annotations": {"dapr.io/enabled": "true"},
        },
        "spec": {
            "containers": [
                {"name": name, "image": image, "env": [{"name": "DAPR_TRUST_ANCHORS", "value": trusted}]}
                for name, image in containers.items()
            ]
        },
        "status": {
            "containerStatuses": [
                {
                    "name": name,
                    "image": image,
                    "imageID": image_id,
                    "ready": name not in states,
                    "restartCount": restarts,
                    "state": states.get(name, RUNNING),
                }
                for name, image in containers.items()
            ]
        },
    }


def daprd_log(*messages: str) -> str:
    """A sidecar's log as JSON."""
    about = {"app_id": "backend", "instance": "pod-1", "level": "info", "scope": "dapr.runtime", "type": "log"}
    return "".join(f"{json.dumps({**about, 'msg': message, 'ver': '1.15.4'})}\n" for message in messages)


def event(kind: str, name: str, reason: str, message: str, time: str = "2026-11-24T02:31:41Z") -> dict[str, Any]:
    about = {"kind": kind, "name": name, "namespace": "todo"}
    metadata = {"name": f"{name}.1", "namespace": "todo"}
    return {"metadata": metadata, "involvedObject": about, "reason": reason, "message": message, "lastTimestamp": time}


class Clock:
    """A clock that only sleep moves; `between` is called with the number of sleeps so far."""

    def __init__(self, between: Callable[[int], object] = lambda _: None) -> None:
        self._between = between
        self._sleeps: list[float] = []

    @property
    def now(self) -> float:
        return sum(self._sleeps)

    def pacing(self) -> Pacing:
        return Pacing(clock=lambda: self.now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self._sleeps.append(seconds)
        assert len(self._sleeps) < 200
        self._between(len(self._sleeps))
