"""The user's recent activity: events that came back from the topic."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from .database import Sessions
from .models import TITLE_LENGTH, USER_LENGTH, Activity, OutboxEvent
from .text import STORABLE

RECENT = 50


class TodoEventData(BaseModel):
    todo: UUID
    title: Annotated[str, Field(max_length=TITLE_LENGTH), STORABLE]
    user: Annotated[str, Field(min_length=1, max_length=USER_LENGTH), STORABLE]
    at: AwareDatetime


class TodoEvent(BaseModel):
    """A CloudEvent about a todo, without the attributes that the app does not use.

    Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#required-attributes
    """

    id: UUID
    type: Annotated[str, Field(pattern=r"^todo\.[a-z]+$", max_length=50)]
    data: TodoEventData


class ActivityView(BaseModel):
    id: UUID
    type: str
    title: str
    at: datetime


async def receive(session: AsyncSession, event: TodoEvent) -> None:
    """Store an event; a repeated delivery changes nothing."""
    row = insert(Activity).values(
        id=event.id, type=event.type, owner=event.data.user, title=event.data.title, at=event.data.at
    )
    await session.execute(row.on_conflict_do_nothing())


async def recent(session: AsyncSession, owner: str) -> list[ActivityView]:
    """Return the user's latest events, newest first."""
    mine = select(Activity).where(Activity.owner == owner).order_by(Activity.at.desc(), Activity.id).limit(RECENT)
    return [ActivityView(id=it.id, type=it.type, title=it.title, at=it.at) for it in await session.scalars(mine)]


class DirectDelivery:
    """Delivers events to this app itself, in place of a sidecar."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def publish(self, event: OutboxEvent) -> None:
        data = TodoEventData.model_validate(event.payload())
        async with self._sessions.begin() as session:
            await receive(session, TodoEvent(id=event.id, type=event.type, data=data))
