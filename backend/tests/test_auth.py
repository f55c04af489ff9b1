"""Authentication."""

from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from pydantic import SecretStr

from todo.tokens import issue

from .conftest import SECRET

KEY = SECRET.get_secret_value()
TOMORROW = datetime.now(UTC) + timedelta(days=1)


async def test_token_identifies_the_user(alice: httpx.AsyncClient) -> None:
    answer = (await alice.get("/api/me")).json()
    assert answer["user"] == "alice"
    life = datetime.fromisoformat(answer["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < life <= timedelta(hours=1)


@pytest.mark.parametrize("path", ["/api/me", "/api/todos", "/api/activity"])
async def test_missing_token_is_rejected(alice: httpx.AsyncClient, path: str) -> None:
    answer = await alice.get(path, headers={"Authorization": ""})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json() == {"detail": "Sign in: this needs a bearer token."}


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        issue("alice", timedelta(hours=1), SecretStr("another secret that is long enough, too")),
        jwt.encode({"sub": "alice", "exp": TOMORROW}, KEY, "HS512"),
        jwt.encode({"sub": "alice", "exp": TOMORROW}, None, "none"),
        jwt.encode({"sub": "alice"}, KEY, "HS256"),
        jwt.encode({"exp": TOMORROW}, KEY, "HS256"),
        jwt.encode({"sub": "", "exp": TOMORROW}, KEY, "HS256"),
        jwt.encode({"sub": "x" * 65, "exp": TOMORROW}, KEY, "HS256"),
        jwt.encode({"sub": "nul \0", "exp": TOMORROW}, KEY, "HS256"),
        jwt.encode({"sub": "alice", "exp": TOMORROW, "nbf": TOMORROW}, KEY, "HS256"),
    ],
    ids=["nonsense", "key", "algorithm", "unsigned", "endless", "nobody", "empty", "long", "nul", "not yet"],
)
async def test_invalid_token_is_rejected(alice: httpx.AsyncClient, token: str) -> None:
    answer = await alice.get("/api/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Sign in again: the token is not valid."}


async def test_expired_token_is_rejected(alice: httpx.AsyncClient) -> None:
    token = issue("alice", timedelta(seconds=-1), SECRET)
    answer = await alice.get("/api/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Sign in again: the token has expired."}
