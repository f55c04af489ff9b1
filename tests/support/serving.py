"""Fake servers, each in a thread of its own."""

import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import HTTPServer
from pathlib import Path


@contextmanager
def serving(server: HTTPServer) -> Generator[None]:
    """Serve during the block, and release the port after it."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def use_tls(server: HTTPServer, certificate: Path) -> None:
    """Switch a server to HTTPS; certificate: in PEM form, with its key."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
