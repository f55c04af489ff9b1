"""Abort Helm's wait before its timeout, so that an atomic release rolls back at once.

Helm polls what it waits for every 2 s, and fails when a Service is gone. The chart therefore has an unused Service, the
abort Service. Helm's rollback creates it again, with the annotation of the previous revision.
Source: waitForResources in https://github.com/helm/helm/blob/v3.18.6/pkg/kube/wait.go
"""

from http import HTTPStatus

from lightkube import ApiError, AsyncClient
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Service

from kube.objects import annotations

_REVISION = "todo-oke.pulumi.com/revision"


def abort_service(release: str) -> str:
    return f"{release}-rollout"


async def applied_revision(client: AsyncClient, namespace: str, release: str) -> str | None:
    """Return the revision that the abort Service names; Helm applies the Service just before the pods."""
    try:
        service = await client.get(Service, abort_service(release), namespace=namespace)
    except ApiError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise
    return annotations(service).get(_REVISION)


async def abort_wait(client: AsyncClient, namespace: str, release: str) -> str:
    """Abort Helm's wait for pods, and return the error that Helm will report."""
    await client.delete(Service, abort_service(release), namespace=namespace)
    return f'services "{abort_service(release)}" not found'


async def abort_hook(client: AsyncClient, namespace: str, job: str) -> str:
    """Abort Helm's wait for a Job, and return the error that Helm will report.

    The Job has to fail: Helm takes a deleted one for done.
    Source: watchUntilReady in https://github.com/helm/helm/blob/v3.18.6/pkg/kube/client.go
    """
    await client.patch(Job, job, {"spec": {"activeDeadlineSeconds": 1}}, namespace=namespace)
    return f"job {job} failed: DeadlineExceeded"
