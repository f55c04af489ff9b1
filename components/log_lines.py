"""The lines of a container's log, without the app's secrets."""

import base64
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Secret

from components.secrets import APP_SECRETS, KAFKA_SECRETS

LAST_LINES = 10


async def last_lines(client: AsyncClient, namespace: str, pod: str, container: str) -> list[str]:
    """The last lines that a container printed, also before its last crash.

    Raises what the client raises where there is no log, or the secrets cannot be read to hide them.
    """
    secrets = [await client.get(Secret, name, namespace=namespace) for name in (APP_SECRETS, KAFKA_SECRETS)]
    hidden = secret_values(secrets)
    log = client.log(pod, namespace=namespace, container=container, tail_lines=LAST_LINES)
    return [masked(line.rstrip(), hidden) async for line in log]


def secret_values(secrets: Iterable[Secret]) -> list[str]:
    """What must not be shown of these secrets, the longest first."""
    values = [base64.b64decode(value).decode() for secret in secrets for value in (secret.data or {}).values()]
    # A driver may print a part of a URL alone.
    passwords = [urlsplit(value).password or "" for value in values if "://" in value]
    shown = {*values, *passwords, *map(unquote, passwords)}
    return sorted(filter(None, shown), key=len, reverse=True)


def masked(line: str, hidden: Sequence[str]) -> str:
    """A line with each hidden value replaced."""
    for value in hidden:
        line = line.replace(value, "[secret]")
    return line
