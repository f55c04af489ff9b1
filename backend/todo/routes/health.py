"""The probes of Kubernetes, and the metrics of Prometheus.

Source: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

import asyncio
from collections.abc import Awaitable
from typing import Literal

import structlog
from fastapi import APIRouter, Response, status
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from todo.sidecar import SidecarError

from .dependencies import App

# Less than the probe's timeout in the chart, so that the response names the failed check.
CHECK_SECONDS = 3

log = structlog.get_logger(__name__)
router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    status: Literal["ready", "not ready"]
    checks: dict[str, str]
    """"ok" or an error for each required service."""


@router.get("/api/health", summary="Whether the process answers")
async def health() -> Health:
    return Health()


@router.get(
    "/api/ready",
    summary="Whether the database and the sidecar answer",
    responses={503: {"model": Readiness, "description": "Something does not"}},
)
async def ready(app: App, response: Response) -> Readiness:
    checks: dict[str, Awaitable[None]] = {"database": app.database.check()}
    if app.sidecar:
        checks["sidecar"] = app.sidecar.check()
    results = dict(zip(checks, await asyncio.gather(*map(_result, checks.values())), strict=True))
    if all(it == "ok" for it in results.values()):
        return Readiness(status="ready", checks=results)
    log.warning("not ready", **results)
    response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return Readiness(status="not ready", checks=results)


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _result(check: Awaitable[None]) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check
    except TimeoutError:
        return f"does not answer within {CHECK_SECONDS} s"
    except SidecarError as error:
        return str(error)
    except SQLAlchemyError as error:
        # Its text names the server and the user, and this response is public.
        return f"does not answer ({type(error).__name__})"
    return "ok"
