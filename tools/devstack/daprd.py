"""Dapr's sidecar in standalone mode.

Source: https://docs.dapr.io/reference/arguments-annotations-overview/
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from system.errors import UserError

from .ports import free_port
from .process import PROVIDED, answers, running

_PROGRAM = PROVIDED / "bin" / "daprd"


@dataclass(frozen=True)
class Sidecar:
    """The ports of a sidecar on 127.0.0.1."""

    http_port: int = field(default_factory=free_port)
    grpc_port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    internal_port: int = field(default_factory=free_port)


@contextmanager
def daprd(
    resources: Path, app_id: str, app_port: int | None, log: Path, sidecar: Sidecar | None = None
) -> Generator[Sidecar]:
    """Run a sidecar with the resources in a folder, and yield it once the app can use it.

    app_port: the app's, now or later. sidecar: the ports to use again. Raises UserError.
    """
    if not _PROGRAM.exists():
        raise UserError("daprd is not installed.", "python3 tools/bootstrap.py app-tests")
    sidecar = sidecar or Sidecar()
    options = {
        "mode": "standalone",
        "app-id": app_id,
        "resources-path": resources,
        "dapr-listen-addresses": "127.0.0.1",
        "dapr-http-port": sidecar.http_port,
        "dapr-grpc-port": sidecar.grpc_port,
        "dapr-internal-grpc-listen-address": "127.0.0.1",
        "dapr-internal-grpc-port": sidecar.internal_port,
        "metrics-listen-address": "127.0.0.1",
        "metrics-port": sidecar.metrics_port,
    }
    if app_port is not None:
        options["app-port"] = app_port
    command = [_PROGRAM, *(f"--{name}={value}" for name, value in options.items())]
    # Healthy when the APIs and all components are (https://docs.dapr.io/reference/api/health_api/).
    health = "/v1.0/healthz/outbound"
    with running("daprd", command, log, lambda: answers(sidecar.http_port, health, HTTPStatus.NO_CONTENT)):
        yield sidecar
