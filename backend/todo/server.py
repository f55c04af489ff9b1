"""The app as a process that takes requests."""

import uvicorn

from .app import create_app
from .assistant import ANSWER_SECONDS
from .settings import Settings
from .telemetry import configure

# A chat that began just before the end may still be answered.
DRAIN_SECONDS = ANSWER_SECONDS + 5
# Longer than the ingress controller's (components/platform/ingress.py), which would otherwise send a request on a
# closing connection.
KEEP_ALIVE_SECONDS = 75


def serve(settings: Settings) -> None:
    """Serves until it is told to end."""
    configure()
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        # Only the sidecar's address is trusted, and it is read from the connection.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    uvicorn.Server(config).run()
