"""TCP ports of 127.0.0.1."""

import random
import socket

# Below the ports that Linux and macOS give to outgoing connections and to servers that ask for any port: a port from
# there could be taken between the choice and the start of its server.
_FIRST, _LAST = 20_000, 32_000


def is_free(port: int) -> bool:
    """Return whether nothing listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    """Return a random port that nothing uses."""
    while True:
        port = random.randint(_FIRST, _LAST)  # noqa: S311 (no secret)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
