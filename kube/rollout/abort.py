"""The one way to end Helm's wait before its timeout, so that an atomic release is taken back at once.

Helm asks for each object that it waits for, every 2 s, and gives up where a Service is not there any more. So the chart
has a Service that nothing uses, the gate. Helm's way back makes it anew, as the revision before had it.
Source: waitForResources in https://github.com/helm/helm/blob/v3.18.6/pkg/kube/wait.go
"""

from http import HTTPStatus

from lightkube import ApiError, AsyncClient
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Service

from kube.objects import annotations

REVISION = "todo-oke.pulumi.com/revision"


def gate_of(release: str) -> str:
    """The name of a release's gate."""
    return f"{release}-rollout"


async def gate_revision(client: AsyncClient, namespace: str, release: str) -> str | None:
    """The revision to which the gate belongs, which Helm applies just before the pods; None where there is no gate."""
    try:
        gate = await client.get(Service, gate_of(release), namespace=namespace)
    except ApiError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise
    return annotations(gate).get(REVISION)


async def end_wait(client: AsyncClient, namespace: str, release: str) -> str:
    """Ends Helm's wait for pods, and gives the error by which it will say so."""
    await client.delete(Service, gate_of(release), namespace=namespace)
    return f'services "{gate_of(release)}" not found'


async def end_hook(client: AsyncClient, namespace: str, job: str) -> str:
    """Ends Helm's wait for a Job, which must fail for that: one that is deleted counts as done.

    Source: watchUntilReady in https://github.com/helm/helm/blob/v3.18.6/pkg/kube/client.go
    """
    await client.patch(Job, job, {"spec": {"activeDeadlineSeconds": 1}}, namespace=namespace)
    return f"job {job} failed: DeadlineExceeded"
