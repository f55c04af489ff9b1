"""Ports that nothing listens on."""

import socket


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now, and that the system gives to nobody else for a while."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
