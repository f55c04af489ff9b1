"""The sidecar's API, as far as the app uses it, served from this process: what a test makes fail, it fails."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from dapr.proto import api_v1
from dapr.proto.runtime.v1.dapr_pb2_grpc import DaprServicer, add_DaprServicer_to_server
from fastapi import FastAPI, Response
from google.protobuf.empty_pb2 import Empty

from devstack.ports import free_port

from .serving import serve


@dataclass
class SidecarStandIn(DaprServicer):
    """refusal: what publishing answers; None for success. ready: what its health says. published: what it took."""

    http_port: int = field(default_factory=free_port)
    grpc_port: int = field(default_factory=free_port)
    ready: bool = True
    refusal: grpc.StatusCode | None = None
    published: list[Any] = field(default_factory=list[Any])

    async def PublishEvent(self, request: Any, context: Any) -> Empty:  # noqa: N802
        assert isinstance(request, api_v1.PublishEventRequest)
        if self.refusal:
            await context.abort(self.refusal, "refused")
        self.published.append(request)
        return Empty()

    def health(self) -> FastAPI:
        app = FastAPI()
        app.get("/v1.0/healthz/outbound")(lambda: Response(status_code=204 if self.ready else 500))
        return app


@asynccontextmanager
async def running(sidecar: SidecarStandIn) -> AsyncGenerator[None]:
    server = grpc.aio.server()
    add_DaprServicer_to_server(sidecar, server)
    server.add_insecure_port(f"127.0.0.1:{sidecar.grpc_port}")
    with serve(sidecar.health(), sidecar.http_port):
        await server.start()
        try:
            yield
        finally:
            await server.stop(grace=None)
