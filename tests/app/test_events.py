"""The stack's Dapr components in a real sidecar, with a real Kafka that requires a password."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.app.dapr_components import DaprComponents, DaprComponentsArgs
from components.app.postgres_dsn import for_pgx
from devstack.backend import backend, token
from devstack.daprd import Sidecar, daprd
from devstack.kafka import kafka
from devstack.ports import free_port
from tests.support.engine import Engine

USER, PASSWORD = "todo", "the broker's password"
DAPR_KINDS = ("Component", "Subscription", "Resiliency")


def components(brokers: str) -> list[Mapping[str, Any]]:
    """Return the Dapr resources that the stack declares for the backend's sidecar."""
    engine = Engine()

    def program() -> None:
        DaprComponents(
            "dapr-components",
            DaprComponentsArgs(
                namespace="default",
                app_id="backend",
                control_plane_namespace="dapr-system",
                version="1.15.4",
                kafka_brokers=[brokers],
                kafka_sasl_mechanism="SCRAM-SHA-256",
                kafka_tls=False,
                kafka_topic="todo-events",
                kafka_consumer_group="todo-backend",
                tracing_endpoint="",
                tracing_sampling_rate=0.1,
            ),
        )

    engine.deploy(program)
    return [it.inputs for it in engine.resources if it.inputs.get("kind") in DAPR_KINDS]


def lay_out(folder: Path, brokers: str, database: str, password: str) -> None:
    """Write the components to files, with a file instead of the cluster's secrets."""
    secrets = folder.parent / "secrets.json"
    kafka_secrets = {"username": USER, "password": password}
    secrets.write_text(json.dumps({"kafka-secrets": kafka_secrets, "app-secrets": {"state-url": for_pgx(database)}}))
    store = {
        "type": "secretstores.local.file",
        "version": "v1",
        "metadata": [{"name": "secretsFile", "value": str(secrets)}, {"name": "multiValued", "value": "true"}],
    }
    folder.mkdir()
    for number, component in enumerate(components(brokers)):
        manifest = {**component, "metadata": {"name": component["metadata"]["name"]}}
        if manifest.get("auth"):
            manifest["auth"] = {"secretStore": "todo-secrets"}
        if manifest["metadata"]["name"] == "todo-secrets":
            manifest = {**manifest, "spec": store, "auth": None}
        (folder / f"{number}.yaml").write_text(yaml.safe_dump(manifest))


@pytest.fixture(scope="module")
def broker(folder: Path) -> Iterator[str]:
    with kafka(folder / "kafka", USER, PASSWORD) as brokers:
        yield brokers


class Delivery:
    """The backend with a sidecar that a test may stop."""

    def __init__(self, folder: Path, environment: Mapping[str, str], resources: Path) -> None:
        self.log = folder / "daprd.log"
        self._resources = resources
        self._port = free_port()
        self._sidecar = Sidecar()
        self._ports = {
            "EVENTS_TOPIC": "todo-events",
            "DAPR_HTTP_PORT": str(self._sidecar.http_port),
            "DAPR_GRPC_PORT": str(self._sidecar.grpc_port),
        }
        self._environment = {**environment, **self._ports}
        self._running = ExitStack()
        self._beside = ExitStack()
        self.url = self._running.enter_context(backend(self._environment, self._port, folder / "events.log"))

    def start_sidecar(self) -> None:
        self._beside.enter_context(daprd(self._resources, "backend", self._port, self.log, self._sidecar))

    def stop_sidecar(self) -> None:
        self._beside.close()

    def stop(self) -> None:
        self._running.close()
        self._beside.close()

    def ask(self, user: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {token(user, self._environment)}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers)  # noqa: S310 (an address of ours)
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (the same)
            return json.load(answer)


@pytest.fixture(scope="module")
def delivery(folder: Path, environment: Mapping[str, str], broker: str) -> Iterator[Delivery]:
    lay_out(folder / "resources", broker, environment["DATABASE_URL"], PASSWORD)
    delivery = Delivery(folder, environment, folder / "resources")
    delivery.start_sidecar()
    yield delivery
    delivery.stop()


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def activity(delivery: Delivery, user: str) -> list[tuple[str, str]]:
    return [(it["type"], it["title"]) for it in delivery.ask(user, "/api/activity")]


def test_change_comes_back_through_kafka(delivery: Delivery) -> None:
    assert delivery.ask("ann", "/api/ready")["checks"] == {"database": "ok", "sidecar": "ok"}
    delivery.ask("ann", "/api/todos", {"title": "milk"})
    delivery.ask("ann", "/api/chat", {"messages": [{"role": "user", "content": "complete milk"}]})
    expected = [("todo.completed", "milk"), ("todo.created", "milk")]
    assert within(30, lambda: activity(delivery, "ann") == expected), delivery.log.read_text()[-3000:]


def test_events_survive_an_outage_of_the_sidecar(delivery: Delivery) -> None:
    delivery.stop_sidecar()
    for title in ("milk", "bread", "tea"):
        delivery.ask("ben", "/api/todos", {"title": title})
    assert activity(delivery, "ben") == []
    delivery.start_sidecar()
    expected = [("todo.created", title) for title in ("tea", "bread", "milk")]
    assert within(60, lambda: activity(delivery, "ben") == expected), activity(delivery, "ben")


def test_log_does_not_contain_the_brokers_password(delivery: Delivery) -> None:
    assert "todo-pubsub" in delivery.log.read_text()
    assert PASSWORD not in delivery.log.read_text()
