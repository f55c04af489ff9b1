"""Operations on a user's todos, for the HTTP API and the chat."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, StringConstraints
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from . import outbox
from .models import TITLE_LENGTH, Todo
from .text import STORABLE

MAX_TODOS = 500

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_LENGTH), STORABLE]
Operation = Literal["created", "completed", "reopened", "renamed", "deleted"]


class TodoView(BaseModel):
    """A todo for people and the model."""

    id: UUID
    title: str
    completed: bool
    created_at: datetime
    completed_at: datetime | None


class Action(BaseModel):
    """A change that was made."""

    operation: Operation
    todo: TodoView


class TodoNotFoundError(Exception):
    def __init__(self) -> None:
        super().__init__("There is no such todo.")


class TooManyTodosError(Exception):
    def __init__(self) -> None:
        super().__init__(f"There are {MAX_TODOS} todos already: delete some first.")


@dataclass(frozen=True)
class TodoList:
    """A user's todos in one transaction. Every change adds an event to the outbox in the same transaction."""

    session: AsyncSession
    owner: str

    async def all(self) -> list[TodoView]:
        mine = select(Todo).where(Todo.owner == self.owner).order_by(Todo.created_at, Todo.id)
        return [_view(todo) for todo in await self.session.scalars(mine)]

    async def create(self, title: str) -> Action:
        """Raise TooManyTodosError where the list is full."""
        # One at a time for each user: two at once could both take the last place.
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(self.owner, 0))))
        count = select(func.count()).select_from(Todo).where(Todo.owner == self.owner)
        if (await self.session.scalars(count)).one() >= MAX_TODOS:
            raise TooManyTodosError
        todo = Todo(owner=self.owner, title=title, completed_at=None)
        self.session.add(todo)
        await self.session.flush()
        return self._done("created", todo)

    async def rename(self, id_: UUID, title: str) -> Action | None:
        """Return None if it has the title already. Raises TodoNotFoundError."""
        todo = await self._locked(id_)
        if todo.title == title:
            return None
        todo.title = title
        return self._done("renamed", todo)

    async def complete(self, id_: UUID) -> Action | None:
        """Return None if it is completed already. Raises TodoNotFoundError."""
        todo = await self._locked(id_)
        if todo.completed_at:
            return None
        todo.completed_at = datetime.now(UTC)
        return self._done("completed", todo)

    async def reopen(self, id_: UUID) -> Action | None:
        """Return None if it is open already. Raises TodoNotFoundError."""
        todo = await self._locked(id_)
        if not todo.completed_at:
            return None
        todo.completed_at = None
        return self._done("reopened", todo)

    async def delete(self, id_: UUID) -> Action:
        """Raises TodoNotFoundError."""
        todo = await self._locked(id_)
        await self.session.delete(todo)
        return self._done("deleted", todo)

    async def one(self, id_: UUID) -> TodoView:
        """Raises TodoNotFoundError."""
        return _view(await self._found(self._mine(id_)))

    async def _locked(self, id_: UUID) -> Todo:
        # The lock keeps a todo's events in the order of its changes.
        return await self._found(self._mine(id_).with_for_update())

    def _mine(self, id_: UUID) -> Select[Todo]:
        return select(Todo).where(Todo.id == id_, Todo.owner == self.owner)

    async def _found(self, query: Select[Todo]) -> Todo:
        todo = (await self.session.scalars(query)).one_or_none()
        if todo is None:
            raise TodoNotFoundError
        return todo

    def _done(self, operation: Operation, todo: Todo) -> Action:
        outbox.record(self.session, f"todo.{operation}", self.owner, {"todo": str(todo.id), "title": todo.title})
        return Action(operation=operation, todo=_view(todo))


def _view(todo: Todo) -> TodoView:
    return TodoView(
        id=todo.id,
        title=todo.title,
        completed=todo.completed_at is not None,
        created_at=todo.created_at,
        completed_at=todo.completed_at,
    )
