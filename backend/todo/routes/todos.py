from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import BaseModel

from todo.todos import Title, TodoView

from .dependencies import App, SignedIn
from .problems import BODY, NOT_FOUND, TOO_MANY, UNAUTHORIZED, UNAVAILABLE

router = APIRouter(prefix="/api/todos", tags=["todos"], responses={**UNAUTHORIZED, **UNAVAILABLE})


class NewTodo(BaseModel):
    title: Title


class TodoChange(BaseModel):
    """What is left out stays as it is."""

    title: Title | None = None
    completed: bool | None = None


@router.get("", summary="All todos of the user, oldest first")
async def list_todos(app: App, claims: SignedIn) -> list[TodoView]:
    async with app.todos(claims.sub) as todos:
        return await todos.all()


@router.post("", summary="Add a todo", status_code=status.HTTP_201_CREATED, responses={**BODY, **TOO_MANY})
async def create_todo(app: App, claims: SignedIn, new: NewTodo, response: Response) -> TodoView:
    async with app.todos(claims.sub) as todos:
        todo = (await todos.create(new.title)).todo
    response.headers["Location"] = f"{router.prefix}/{todo.id}"
    return todo


@router.get("/{id_}", summary="One todo", responses=NOT_FOUND)
async def get_todo(app: App, claims: SignedIn, id_: UUID) -> TodoView:
    async with app.todos(claims.sub) as todos:
        return await todos.one(id_)


@router.patch("/{id_}", summary="Complete, reopen or rename a todo", responses={**BODY, **NOT_FOUND})
async def change_todo(app: App, claims: SignedIn, id_: UUID, change: TodoChange) -> TodoView:
    async with app.todos(claims.sub) as todos:
        if change.title is not None:
            await todos.rename(id_, change.title)
        if change.completed is not None:
            await (todos.complete(id_) if change.completed else todos.reopen(id_))
        return await todos.one(id_)


@router.delete("/{id_}", summary="Delete a todo", status_code=status.HTTP_204_NO_CONTENT, responses=NOT_FOUND)
async def delete_todo(app: App, claims: SignedIn, id_: UUID) -> None:
    async with app.todos(claims.sub) as todos:
        await todos.delete(id_)
