"""The app on a stand-in for its cluster, as the outputs of a stack promise it, until a test says otherwise."""

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from delivery.__main__ import main
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
BEGINS = "Starting Dapr Runtime -- version 1.15.4 -- commit 1a2b3c"
LOADED = ("Component loaded: todo-pubsub (pubsub.kafka/v1)", "Component loaded: todo-state (state.postgresql/v2)")


class RunningApp:
    """pulumi: the command that knows the stack, whose last update is number 1; server: its cluster's, and its ingress.

    The server does not select by label: what it has are the pods of both apps.
    """

    def __init__(self, pulumi: PulumiCommand, server: ApiServer) -> None:
        self.pulumi, self.server = pulumi, server
        self.promises()
        pulumi.has_state(*deployer.state(server.url))
        pulumi.made(update(""))
        self.runs(deployments(), pod())
        server.has_list(COMPONENTS, {"metadata": {"name": "todo-pubsub"}}, {"metadata": {"name": "todo-state"}})
        self.writes(daprd_log(BEGINS, *LOADED), container="daprd")
        server.answers["/"] = Answer(b"<!doctype html>", content_type="text/html")
        server.has("/api/health", {"status": "ok"})
        self.has_secrets({})

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
        """What the kubelet has of a container of the only pod."""
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


def checks(capsys: pytest.CaptureFixture[str], code: int) -> Mapping[str, Mapping[str, Any]]:
    """What each check of a verification came to, by its name."""
    capsys.readouterr()
    assert main(["verify", "--seconds", "0", "--json"]) == code
    return {check["name"]: check for check in json.loads(capsys.readouterr().out)}


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
    trusted: str = TRUSTED,
    **states: Mapping[str, Any],
) -> dict[str, Any]:
    """A pod with the containers of both apps and the sidecar; states: of those that are not ready.

    trusted: the root certificates that the sidecar has from Dapr, as PEM.
    """
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
