"""The app's HTTP server."""

import uvicorn

from .app import create_app
from .assistant import ANSWER_SECONDS
from .settings import Settings
from .telemetry import configure

# Long enough to answer a chat that began just before the shutdown.
DRAIN_SECONDS = ANSWER_SECONDS + 5
# Longer than the ingress controller's (components/platform/ingress.py), so that it never sends a request on a closing
# connection.
KEEP_ALIVE_SECONDS = 75


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    configure()
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        # The check of the sidecar's address needs the connection's own address.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    uvicorn.Server(config).run()
