"""`delivery verify` parses the log of a real sidecar: Dapr does not guarantee its messages."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx2
import pytest
import yaml
from lightkube.resources.core_v1 import Pod

from delivery.verify.dapr import check_components
from delivery.verify.logs import Logs
from devstack.ports import free_port
from devstack.process import PROVIDED

SECONDS = 60
POD = {
    "metadata": {"name": "backend-1", "namespace": "todo", "annotations": {"dapr.io/enabled": "true"}},
    "status": {
        "containerStatuses": [{"name": "daprd", "image": "daprd", "imageID": "1c", "ready": True, "restartCount": 0}]
    },
}


def component(name: str, kind: str, **metadata: str) -> dict[str, object]:
    values = [{"name": key, "value": value} for key, value in metadata.items()]
    spec = {"type": kind, "version": "v1", "initTimeout": "20s", "metadata": values}
    return {"apiVersion": "dapr.io/v1alpha1", "kind": "Component", "metadata": {"name": name}, "spec": spec}


@pytest.fixture
def resources(tmp_path: Path) -> Path:
    folder = tmp_path / "resources"
    folder.mkdir()
    (folder / "1.yaml").write_text(yaml.safe_dump(component("todo-state", "state.in-memory")))
    return folder


def log_of(resources: Path, until: str) -> str:
    """Run a sidecar with these resources, and return its log up to a line with a text."""
    ports = [f"--{name}={free_port()}" for name in ("dapr-http-port", "dapr-grpc-port", "dapr-internal-grpc-port")]
    options = ["--app-id=backend", "--log-as-json", f"--resources-path={resources}", f"--metrics-port={free_port()}"]
    command = [PROVIDED / "bin" / "daprd", *options, *ports, "--dapr-listen-addresses=127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    try:
        return "".join(_up_to(process.stdout, until))
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)


def _up_to(lines: Iterator[str], text: str) -> Iterator[str]:
    for line in lines:
        yield line
        if text in line:
            return
    raise AssertionError(f"the sidecar ended before {text!r}")


def check(log: str, *expected: str) -> tuple[str, str, list[str]]:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, text=log))
    with httpx2.Client(transport=transport, base_url="http://cluster") as http:
        result = check_components(expected, expected, [cast("Pod", Pod.from_dict(POD))], Logs(http))
    return result.state, result.evidence, [*result.causes]


def test_loaded_component_is_found(resources: Path) -> None:
    log = log_of(resources, "All outstanding components processed")

    assert check(log, "todo-state") == ("passed", "todo-state loaded by 1 sidecar", [])
    assert check(log, "todo-state", "todo-pubsub")[:2] == ("failed", "backend-1: todo-pubsub not loaded")


@pytest.mark.parametrize(
    ("kind", "error"), [("pubsub.kafka", "connection refused"), ("nonsense.kafka", "incorrect type nonsense.kafka")]
)
def test_failed_component_is_reported_with_its_error(resources: Path, kind: str, error: str) -> None:
    broken = component("todo-pubsub", kind, brokers="127.0.0.1:9", authType="none")
    (resources / "2.yaml").write_text(yaml.safe_dump(broken))

    state, evidence, (cause,) = check(log_of(resources, "will exit gracefully"), "todo-pubsub", "todo-state")

    assert (state, evidence) == ("failed", "backend-1: todo-pubsub not loaded")
    assert cause.startswith("backend-1: todo-pubsub failed to load: ")
    assert error in cause
