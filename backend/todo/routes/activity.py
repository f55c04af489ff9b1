from fastapi import APIRouter

from todo.activity import ActivityView, recent

from .dependencies import App, SignedIn
from .problems import UNAUTHORIZED, UNAVAILABLE

router = APIRouter(prefix="/api/activity", tags=["activity"], responses={**UNAUTHORIZED, **UNAVAILABLE})


@router.get("", summary="What happened lately, newest first")
async def list_activity(app: App, claims: SignedIn) -> list[ActivityView]:
    async with app.sessions.begin() as session:
        return await recent(session, claims.sub)
