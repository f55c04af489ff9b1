"""Dependencies of the routes."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from todo.services import Services
from todo.tokens import Claims, TokenError, read

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT")

# Coroutines, because FastAPI runs each plain function in a thread.


async def services(request: Request) -> Services:
    return request.app.state.services


App = Annotated[Services, Depends(services)]


async def signed_in(app: App, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Claims:
    if credentials is None:
        raise _unauthorized("Sign in: this needs a bearer token.")
    try:
        return read(credentials.credentials, app.settings.better_auth_secret)
    except TokenError as error:
        raise _unauthorized(str(error)) from None


SignedIn = Annotated[Claims, Depends(signed_in)]


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(status.HTTP_401_UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})
