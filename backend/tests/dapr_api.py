"""A fake sidecar with the APIs that the app uses, in the test's process."""

import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import grpc
from dapr.proto import api_v1
from dapr.proto.runtime.v1.dapr_pb2_grpc import DaprServicer, add_DaprServicer_to_server
from google.protobuf.empty_pb2 import Empty

from devstack.ports import free_port


@dataclass
class FakeSidecar(DaprServicer):
    http_port: int = field(default_factory=free_port)
    grpc_port: int = field(default_factory=free_port)
    ready: bool = True
    error: grpc.StatusCode | None = None
    """The answer to each publication; None accepts it."""
    published: list[Any] = field(default_factory=list[Any])

    async def PublishEvent(self, request: Any, context: Any) -> Empty:  # noqa: N802
        assert isinstance(request, api_v1.PublishEventRequest)
        if self.error:
            await context.abort(self.error, "refused")
        self.published.append(request)
        return Empty()

    @contextmanager
    def health(self) -> Generator[None]:
        """Serve the health in a thread, because the SDK blocks the event loop while it asks for it.

        The thread is safe to end: coverage does not trace it, and nothing else in it uses greenlets.
        """
        sidecar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(204 if sidecar.ready else 500)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
                """Print nothing."""

        with HTTPServer(("127.0.0.1", self.http_port), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()


@asynccontextmanager
async def running(sidecar: FakeSidecar) -> AsyncGenerator[None]:
    server = grpc.aio.server()
    add_DaprServicer_to_server(sidecar, server)
    server.add_insecure_port(f"127.0.0.1:{sidecar.grpc_port}")
    with sidecar.health():
        await server.start()
        try:
            yield
        finally:
            await server.stop(grace=None)
