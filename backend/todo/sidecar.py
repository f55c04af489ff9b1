"""The Dapr sidecar, next to the app on this host.

Source: https://docs.dapr.io/developing-applications/sdks/python/python-client/
"""

import asyncio
import json

import httpx
from dapr.aio.clients.grpc.client import DaprGrpcClientAsync
from dapr.clients.exceptions import DaprGrpcError
from dapr.conf import settings as sdk

from .models import OutboxEvent
from .outbox import PublishError
from .settings import Settings

HOST = "127.0.0.1"
# The sidecar itself retries, as its resiliency policies define.
PUBLISH_SECONDS = 15


class SidecarError(Exception):
    """The sidecar is unreachable or not ready. The text is the reason."""


class Sidecar:
    """A client that publishes events to one topic and checks the sidecar's health."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._health = httpx.AsyncClient(base_url=f"http://{HOST}:{settings.dapr_http_port}", trust_env=False)
        self._client: DaprGrpcClientAsync | None = None
        # The SDK's client checks the sidecar's health in its constructor and blocks the event loop meanwhile. One
        # attempt is enough after the check in `_connected`.
        vars(sdk).update(DAPR_HTTP_PORT=settings.dapr_http_port, DAPR_HEALTH_TIMEOUT=0)

    async def check(self) -> None:
        """Raise SidecarError unless the sidecar runs and has loaded its components.

        Source: https://docs.dapr.io/reference/api/health_api/
        """
        try:
            answer = await self._health.get("/v1.0/healthz/outbound")
        except httpx.HTTPError as error:
            raise SidecarError(f"does not answer ({type(error).__name__})") from error
        if not answer.is_success:
            raise SidecarError(f"is not ready (HTTP {answer.status_code})")

    async def publish(self, event: OutboxEvent) -> None:
        """Raises PublishError."""
        # With this key Kafka keeps the order of a user's events.
        metadata = {"cloudevent.id": str(event.id), "cloudevent.type": event.type, "partitionKey": event.owner}
        if event.traceparent:
            metadata["cloudevent.traceparent"] = event.traceparent
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                client = await self._connected()
                await client.publish_event(
                    pubsub_name=self._settings.events_pubsub,
                    topic_name=self._settings.events_topic,
                    data=json.dumps(event.payload()),
                    data_content_type="application/json",
                    publish_metadata=metadata,
                )
        except TimeoutError:
            raise PublishError(f"the sidecar did not answer within {PUBLISH_SECONDS} s") from None
        except SidecarError as error:
            raise PublishError(f"the sidecar {error}") from error
        except DaprGrpcError as error:
            raise PublishError(f"the sidecar refused the event ({error.code().name})") from error

    async def close(self) -> None:
        await self._health.aclose()
        if self._client:
            await self._client.close()

    async def _connected(self) -> DaprGrpcClientAsync:
        if self._client is None:
            await self.check()
            self._client = DaprGrpcClientAsync(f"{HOST}:{self._settings.dapr_grpc_port}")
        return self._client
