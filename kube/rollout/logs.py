"""The last lines of a container's log, without secrets."""

from collections.abc import Sequence

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Secret

from kube.redaction import Redactor

_LINES = 10


async def last_lines(
    client: AsyncClient, namespace: str, pod: str, container: str, secrets: Sequence[str]
) -> list[str]:
    """Return the last lines of a container's log, also of one that has crashed.

    secrets: names of the Kubernetes secrets to redact.
    Raises what the client raises where there is no log, or where a secret cannot be read.
    """
    redactor = Redactor.of([await client.get(Secret, name, namespace=namespace) for name in secrets])
    log = client.log(pod, namespace=namespace, container=container, tail_lines=_LINES)
    return redactor.redact([line.rstrip() async for line in log])
