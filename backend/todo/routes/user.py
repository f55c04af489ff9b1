from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from .dependencies import SignedIn
from .problems import UNAUTHORIZED

router = APIRouter(prefix="/api/me", tags=["user"], responses=UNAUTHORIZED)


class User(BaseModel):
    user: str
    expires_at: datetime


@router.get("", summary="Whom the token is for")
async def me(claims: SignedIn) -> User:
    return User(user=claims.sub, expires_at=claims.exp)
