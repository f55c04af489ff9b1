"""The endpoint for the sidecar's events. The ingress does not route to it.

Source: https://docs.dapr.io/reference/api/pubsub_api/#expected-http-response
"""

from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Body, Depends, HTTPException, Request, status
from pydantic import BaseModel, ValidationError

from todo.activity import TodoEvent, receive

from .dependencies import App

log = structlog.get_logger(__name__)


async def _from_this_host(request: Request) -> None:
    # Only the sidecar shares the pod's loopback address.
    if request.client is None or request.client.host != "127.0.0.1":
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Only the sidecar delivers events.")


router = APIRouter(prefix="/events", dependencies=[Depends(_from_this_host)], include_in_schema=False)


class Delivery(BaseModel):
    """DROP sends the event to the dead letter topic."""

    status: Literal["SUCCESS", "DROP"]


@router.post("/todo")
async def deliver(app: App, envelope: Annotated[Any, Body()]) -> Delivery:
    try:
        event = TodoEvent.model_validate(envelope)
    except ValidationError as error:
        log.warning("an event is not one of ours", mistakes=[".".join(map(str, it["loc"])) for it in error.errors()])
        return Delivery(status="DROP")
    async with app.sessions.begin() as session:
        await receive(session, event)
    return Delivery(status="SUCCESS")
