from functools import partial
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field

from todo.assistant import Answer, Message

from .dependencies import App, SignedIn
from .problems import BODY, CHAT, UNAUTHORIZED

router = APIRouter(prefix="/api/chat", tags=["chat"], responses={**BODY, **UNAUTHORIZED, **CHAT})


def _ends_with_the_user(messages: list[Message]) -> list[Message]:
    if messages[-1].role != "user":
        raise ValueError("the last message must be the user's")
    return messages


class Conversation(BaseModel):
    """The conversation so far, oldest first. The app keeps none."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=20), AfterValidator(_ends_with_the_user)]


@router.post("", summary="Say in a sentence what is to be done")
async def chat(app: App, claims: SignedIn, conversation: Conversation) -> Answer:
    return await app.assistant.answer(claims.sub, conversation.messages, partial(app.todos, claims.sub))
