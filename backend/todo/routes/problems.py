"""Error responses."""

from typing import Any

from fastapi import FastAPI, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from todo.assistant import AssistantBusyError, AssistantError, AssistantTimeoutError
from todo.todos import TodoNotFoundError, TooManyTodosError

RETRY_SECONDS = "5"


class Problem(BaseModel):
    detail: str  # one sentence for the user


Responses = dict[int | str, dict[str, Any]]

UNAUTHORIZED: Responses = {401: {"model": Problem, "description": "The token is missing, not valid or has expired"}}
BODY: Responses = {
    400: {"model": Problem, "description": "The body is not JSON"},
    413: {"model": Problem, "description": "The body is too long"},
}
UNAVAILABLE: Responses = {503: {"model": Problem, "description": "The database is away; try again"}}
NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such todo"}}
TOO_MANY: Responses = {409: {"model": Problem, "description": "The list is full"}}
CHAT: Responses = {
    502: {"model": Problem, "description": "The model failed"},
    503: {"model": Problem, "description": "The model is busy, or the database is away; try again"},
    504: {"model": Problem, "description": "The model did not answer in time"},
}

_STATUS: dict[type[Exception], int] = {
    TodoNotFoundError: status.HTTP_404_NOT_FOUND,
    TooManyTodosError: status.HTTP_409_CONFLICT,
    AssistantError: status.HTTP_502_BAD_GATEWAY,
    AssistantBusyError: status.HTTP_503_SERVICE_UNAVAILABLE,
    AssistantTimeoutError: status.HTTP_504_GATEWAY_TIMEOUT,
}


def handle(app: FastAPI) -> None:
    """Add the handlers of the app's exceptions."""
    for kind in _STATUS:
        app.add_exception_handler(kind, _problem)
    app.add_exception_handler(RequestValidationError, _not_valid)
    for kind in (OperationalError, InterfaceError, PoolTimeoutError):
        app.add_exception_handler(kind, _database_away)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    code = _STATUS[type(error)]
    headers = {"Retry-After": RETRY_SECONDS} if code == status.HTTP_503_SERVICE_UNAVAILABLE else None
    return JSONResponse({"detail": str(error)}, code, headers)


async def _not_valid(_: Request, error: Exception) -> JSONResponse:
    # Without the input: FastAPI repeats it, and cannot encode half of a surrogate pair.
    mistakes = error.errors() if isinstance(error, RequestValidationError) else []
    detail = [{"loc": it["loc"], "msg": it["msg"], "type": it["type"]} for it in mistakes]
    return JSONResponse({"detail": detail}, status.HTTP_422_UNPROCESSABLE_CONTENT)


async def _database_away(_: Request, __: Exception) -> JSONResponse:
    detail = "The todos cannot be reached now: try again in a moment."
    return JSONResponse({"detail": detail}, status.HTTP_503_SERVICE_UNAVAILABLE, {"Retry-After": RETRY_SECONDS})
