"""A fake of Cohere's chat API, as far as the app uses it: `python -m dev.cohere PORT`, with the key COHERE_API_KEY.

It validates each request with the SDK's types and the rules of tool use, as Cohere does. Instead of a model it knows a
few sentences: add …, complete …, reopen …, rename … to …, delete …, list.

Source: https://docs.cohere.com/reference/chat
"""

import inspect
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import uvicorn
from cohere import (
    AssistantChatMessageV2,
    AssistantMessageResponse,
    AsyncClientV2,
    ChatMessageV2,
    TextAssistantMessageResponseContentItem,
    ToolCallV2,
    ToolCallV2Function,
    ToolChatMessageV2,
    ToolV2,
    UserChatMessageV2,
    V2ChatResponse,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

PARAMETERS = set(inspect.signature(AsyncClientV2.chat).parameters) - {"self", "request_options"} | {"stream"}

SENTENCES = {
    "create_todo": re.compile(r"^(?:please )?(?:add|remind me to) (?P<title>.+)$", re.IGNORECASE),
    "rename_todo": re.compile(r"^(?:please )?rename (?P<which>.+) to (?P<title>.+)$", re.IGNORECASE),
    "complete_todo": re.compile(r"^(?:please )?(?:complete|finish|check off) (?P<which>.+)$", re.IGNORECASE),
    "reopen_todo": re.compile(r"^(?:please )?reopen (?P<which>.+)$", re.IGNORECASE),
    "delete_todo": re.compile(r"^(?:please )?(?:delete|remove) (?P<which>.+)$", re.IGNORECASE),
    "list_todos": re.compile(r"^.*\b(?:list|show|what)\b.*$", re.IGNORECASE),
}
HELP = "I can add, complete, reopen, rename, delete and list todos. Say for example: add milk."


class ChatRequest(BaseModel):
    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)

    model: str
    messages: list[ChatMessageV2]
    tools: list[ToolV2]


@dataclass
class FakeCohere:
    api_key: str
    error: int | None = None  # the HTTP status of every response
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])  # their JSON

    def app(self) -> FastAPI:
        app = FastAPI()
        app.post("/v2/chat")(self._chat)
        return app

    async def _chat(self, request: Request) -> JSONResponse:
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            return _error(401, "invalid api token")
        if self.error:
            return _error(self.error, "refused")
        body = await request.json()
        self.requests.append(body)
        try:
            chat = ChatRequest.model_validate(body)
        except ValidationError as error:
            return _error(422, str(error))
        if mistakes := [*_unknown_fields(body), *_unmatched_calls(chat.messages)]:
            return _error(400, "; ".join(mistakes))
        return JSONResponse(_response(_think(chat.messages)).model_dump(mode="json", exclude_none=True))


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"id": str(uuid4()), "message": message}, status)


def _unknown_fields(body: dict[str, Any]) -> list[str]:
    parsed = TypeAdapter(list[ChatMessageV2]).validate_python(body["messages"])
    extra = [name for message in parsed for name in message.model_extra or {}]
    return [f"unknown field: {name}" for name in [*(body.keys() - PARAMETERS), *extra]]


def _unmatched_calls(messages: Sequence[ChatMessageV2]) -> list[str]:
    """Return an error for each tool call without a result and each result without a call."""
    calls: set[str] = set()
    mistakes: list[str] = []
    for message in messages:
        if isinstance(message, ToolChatMessageV2):
            if message.tool_call_id not in calls:
                mistakes.append(f"no call {message.tool_call_id}")
            calls.discard(message.tool_call_id)
        elif calls:
            mistakes.append(f"no result of {calls}")
        if isinstance(message, AssistantChatMessageV2):
            calls.update(call.id for call in message.tool_calls or [])
    return mistakes


def _think(messages: Sequence[ChatMessageV2]) -> str | tuple[str, dict[str, str]]:  # noqa: PLR0911
    """Return a reply, or a tool to call and its arguments."""
    asked = max(index for index, message in enumerate(messages) if isinstance(message, UserChatMessageV2))
    sentence = str(messages[asked].content).strip().rstrip(".!?")
    wish = next(((tool, match) for tool, regex in SENTENCES.items() if (match := regex.match(sentence))), None)
    if wish is None:
        return HELP
    tool, match = wish
    results = [json.loads(str(it.content)) for it in messages[asked + 1 :] if isinstance(it, ToolChatMessageV2)]
    match results:
        case []:
            return (tool, match.groupdict()) if tool == "create_todo" else ("list_todos", {})
        case [list(todos)] if tool == "list_todos":
            return "You have: " + ", ".join(todo["title"] for todo in todos) if todos else "Your list is empty."
        case [list(todos)]:
            found = [todo for todo in todos if match["which"].lower() in todo["title"].lower()]
            if len(found) != 1:
                return f"I found {len(found)} todos like “{match['which']}”. Which one do you mean?"
            arguments = {name: value for name, value in match.groupdict().items() if name != "which"}
            return tool, {"id": found[0]["id"], **arguments}
        case [*_, {"operation": operation, "todo": todo}]:
            return f"I have {operation} “{todo['title']}”."
        case _:
            last = results[-1]
            return f"That did not work: {last.get('error') or last.get('result')}."


def _response(thought: str | tuple[str, dict[str, str]]) -> V2ChatResponse:
    if isinstance(thought, str):
        said = AssistantMessageResponse(content=[TextAssistantMessageResponseContentItem(text=thought)])
        return V2ChatResponse(id=str(uuid4()), finish_reason="COMPLETE", message=said)
    tool, arguments = thought
    function = ToolCallV2Function(name=tool, arguments=json.dumps(arguments))
    call = ToolCallV2(id=f"{tool}_{uuid4().hex[:8]}", function=function)
    asked = AssistantMessageResponse(tool_calls=[call], tool_plan=f"I will use {tool}.")
    return V2ChatResponse(id=str(uuid4()), finish_reason="TOOL_CALL", message=asked)


if __name__ == "__main__":
    app = FakeCohere(os.environ["COHERE_API_KEY"]).app()
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
