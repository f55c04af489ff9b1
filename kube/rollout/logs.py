"""What a container printed, without the app's secrets."""

from collections.abc import Sequence

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Secret

from kube.redaction import hidden_values, masked

LAST_LINES = 10


async def last_lines(
    client: AsyncClient, namespace: str, pod: str, container: str, secrets: Sequence[str]
) -> list[str]:
    """The last lines that a container printed, also before its last crash.

    secrets: the names of the Kubernetes secrets whose values must not be shown.

    Raises what the client raises where there is no log, or the secrets cannot be read to hide them.
    """
    hidden = hidden_values([await client.get(Secret, name, namespace=namespace) for name in secrets])
    log = client.log(pod, namespace=namespace, container=container, tail_lines=LAST_LINES)
    return [masked(line.rstrip(), hidden) async for line in log]
