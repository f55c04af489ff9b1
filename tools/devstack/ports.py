"""Ports that nothing listens on."""

import socket


def is_free(port: int) -> bool:
    """Whether nothing listens on that TCP port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now, and that the system gives to nobody else for a while."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
