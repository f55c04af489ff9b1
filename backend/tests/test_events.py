"""Every change publishes exactly one event."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import grpc
import httpx
import psycopg
import pytest
from fastapi import FastAPI

from todo import outbox
from todo.activity import RECENT, recent
from todo.app import create_app
from todo.database import connect, sessions
from todo.models import OutboxEvent
from todo.settings import Settings
from todo.sidecar import Sidecar

from .dapr_api import FakeSidecar, running
from .test_chat import say
from .test_todos import add

SOON = timedelta(seconds=5)
TRACE = "0af7651916cd43dd8448eb211c80319c"


async def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "timeout exceeded"
        await asyncio.sleep(0.01)


@pytest.fixture
def sidecar(monkeypatch: pytest.MonkeyPatch) -> FakeSidecar:
    monkeypatch.setattr(outbox, "FIRST_RETRY_SECONDS", 0.02)
    return FakeSidecar()


@pytest.fixture
def settings(settings: Settings, sidecar: FakeSidecar) -> Settings:
    ports = {"dapr_http_port": sidecar.http_port, "dapr_grpc_port": sidecar.grpc_port}
    return settings.model_copy(update={"events_topic": "todo-events", **ports})


@pytest.fixture
async def beside(sidecar: FakeSidecar) -> AsyncIterator[FakeSidecar]:
    async with running(sidecar):
        yield sidecar


def waiting(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        return connection.execute("select count(*) from outbox").fetchall()[0][0]


def published(sidecar: FakeSidecar) -> list[tuple[str, str]]:
    return [(it.metadata["cloudevent.type"], json.loads(it.data)["title"]) for it in sidecar.published]


async def test_changes_are_published_in_order(beside: FakeSidecar, alice: httpx.AsyncClient, database_url: str) -> None:
    place = f"/api/todos/{(await add(alice, 'milk'))['id']}"
    await alice.patch(place, json={"title": "oat milk", "completed": True})
    await alice.patch(place, json={"title": "oat milk", "completed": True})
    await alice.patch(place, json={"completed": False})
    await alice.delete(place)
    await say(alice, "add bread")
    await eventually(lambda: len(beside.published) == 6)
    assert published(beside) == [
        ("todo.created", "milk"),
        ("todo.renamed", "oat milk"),
        ("todo.completed", "oat milk"),
        ("todo.reopened", "oat milk"),
        ("todo.deleted", "oat milk"),
        ("todo.created", "bread"),
    ]
    await eventually(lambda: waiting(database_url) == 0)


async def test_concurrent_equal_changes_publish_one_event(
    beside: FakeSidecar, alice: httpx.AsyncClient, database_url: str
) -> None:
    place = f"/api/todos/{(await add(alice, 'milk'))['id']}"
    with psycopg.connect(database_url) as blocker:
        blocker.execute("select from todos for update")
        changes = [asyncio.create_task(alice.patch(place, json={"completed": True})) for _ in range(3)]
        await asyncio.sleep(0.3)
    assert [(await change).status_code for change in changes] == [200] * 3
    await eventually(lambda: waiting(database_url) == 0)
    assert published(beside) == [("todo.created", "milk"), ("todo.completed", "milk")]


async def test_event_has_todo_user_time_and_trace(beside: FakeSidecar, alice: httpx.AsyncClient) -> None:
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    todo = (await alice.post("/api/todos", json={"title": "milk"}, headers=headers)).json()
    await eventually(lambda: bool(beside.published))
    [request] = beside.published
    assert (request.pubsub_name, request.topic) == ("todo-pubsub", "todo-events")
    assert request.data_content_type == "application/json"
    payload = json.loads(request.data)
    assert payload == {"todo": todo["id"], "title": "milk", "user": "alice", "at": payload["at"]}
    assert timedelta(0) <= datetime.fromisoformat(payload["at"]) - datetime.fromisoformat(todo["created_at"]) < SOON
    assert request.metadata["partitionKey"] == "alice"
    assert UUID(request.metadata["cloudevent.id"])
    assert TRACE in request.metadata["cloudevent.traceparent"]


async def test_events_wait_for_an_unreachable_sidecar(
    sidecar: FakeSidecar, alice: httpx.AsyncClient, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await add(alice, "milk")
    await add(alice, "bread")
    await eventually(lambda: "events wait" in caplog.text)
    assert waiting(database_url) == 2
    back = datetime.now(UTC)
    async with running(sidecar):
        await eventually(lambda: waiting(database_url) == 0)
    assert published(sidecar) == [("todo.created", "milk"), ("todo.created", "bread")]
    assert all(datetime.fromisoformat(json.loads(it.data)["at"]) < back for it in sidecar.published)


@pytest.mark.parametrize("error", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.PERMISSION_DENIED])
async def test_rejected_events_are_retried(
    beside: FakeSidecar, alice: httpx.AsyncClient, database_url: str, error: grpc.StatusCode
) -> None:
    beside.error = error
    await add(alice, "milk")
    await asyncio.sleep(0.1)
    assert waiting(database_url) == 1
    beside.error = None
    await eventually(lambda: waiting(database_url) == 0)
    assert published(beside) == [("todo.created", "milk")]


async def test_events_wait_until_the_sidecar_is_ready(
    beside: FakeSidecar, alice: httpx.AsyncClient, database_url: str
) -> None:
    beside.ready = False
    await add(alice, "milk")
    await asyncio.sleep(0.1)
    assert waiting(database_url) == 1
    beside.ready = True
    await eventually(lambda: waiting(database_url) == 0)


async def test_rolled_back_change_publishes_nothing(
    beside: FakeSidecar, alice: httpx.AsyncClient, app: FastAPI, database_url: str
) -> None:
    async def fail() -> None:
        async with app.state.services.todos("alice") as todos:
            await todos.create("milk")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    app.state.services.relay.wake()
    await add(alice, "bread")
    await eventually(lambda: bool(beside.published))
    await eventually(lambda: waiting(database_url) == 0)
    assert published(beside) == [("todo.created", "bread")]


async def test_next_process_publishes_the_events_of_an_ended_one(
    sidecar: FakeSidecar, settings: Settings, database_url: str
) -> None:
    first = create_app(settings)
    async with first.router.lifespan_context(first), first.state.services.todos("alice") as todos:
        await todos.create("milk")
    assert waiting(database_url) == 1
    second = create_app(settings)
    async with running(sidecar), second.router.lifespan_context(second):
        await eventually(lambda: waiting(database_url) == 0)
    assert published(sidecar) == [("todo.created", "milk")]


async def test_relay_survives_an_unexpected_exception(
    beside: FakeSidecar,
    alice: httpx.AsyncClient,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Sidecar, "publish", lambda *_: 1 / 0)
        await add(alice, "milk")
        await eventually(lambda: caplog.text.count("events wait") > 1)
    await eventually(lambda: waiting(database_url) == 0)
    assert published(beside) == [("todo.created", "milk")]


async def test_hanging_process_does_not_block_the_others(
    sidecar: FakeSidecar, settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = asyncio.Event()

    class Hanging:
        async def publish(self, event: OutboxEvent) -> None:
            del event
            hung.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(outbox, "HOLD_SECONDS", 1)
    first, second = create_app(settings), create_app(settings)
    async with first.router.lifespan_context(first), first.state.services.todos("alice") as todos:
        await todos.create("milk")
    engine = connect(settings.database())
    other = asyncio.create_task(outbox.Relay(sessions(engine), Hanging()).run())
    await hung.wait()
    monkeypatch.setattr(outbox, "HOLD_SECONDS", 60)  # for the others, on a slow machine
    async with running(sidecar), second.router.lifespan_context(second):
        await eventually(lambda: waiting(database_url) == 0)
    assert published(sidecar) == [("todo.created", "milk")]
    other.cancel()
    ended, _ = await asyncio.wait([other], timeout=5)
    assert ended, "it still runs after its cancellation"
    await engine.dispose()


async def test_two_processes_publish_each_event_once(
    beside: FakeSidecar, alice: httpx.AsyncClient, settings: Settings, database_url: str
) -> None:
    other = create_app(settings)
    async with other.router.lifespan_context(other):
        for n in range(20):
            await add(alice, f"{n}")
            other.state.services.relay.wake()
        await eventually(lambda: waiting(database_url) == 0)
    assert published(beside) == [("todo.created", f"{n}") for n in range(20)]


def data(**changes: Any) -> dict[str, Any]:
    event = {"todo": str(uuid4()), "title": "milk", "user": "alice", "at": "2026-11-23T10:00:00.250000+00:00"}
    return {**event, **changes}


def cloud_event(**changes: Any) -> dict[str, Any]:
    """Return an event as daprd 1.15 delivers it."""
    event = {
        "id": str(uuid4()),
        "source": "backend",
        "specversion": "1.0",
        "type": "todo.created",
        "time": "2026-11-23T10:00:00Z",
        "datacontenttype": "application/json",
        "topic": "todo-events",
        "pubsubname": "todo-pubsub",
        "data": data(),
    }
    return {**event, **changes}


async def deliver(client: httpx.AsyncClient, event: object) -> Any:
    headers = {"Content-Type": "application/cloudevents+json", "Authorization": ""}
    answer = await client.post("/events/todo", content=json.dumps(event), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_repeated_delivery_is_shown_once(alice: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    event = cloud_event()
    assert await deliver(alice, event) == {"status": "SUCCESS"}
    assert await deliver(alice, event) == {"status": "SUCCESS"}
    await deliver(alice, cloud_event(type="todo.completed", data=data(at="2026-11-23T10:00:00.750000+00:00")))
    activity = (await alice.get("/api/activity")).json()
    assert [it["type"] for it in activity] == ["todo.completed", "todo.created"]
    assert activity[1] == {
        "id": event["id"],
        "type": "todo.created",
        "title": "milk",
        "at": "2026-11-23T10:00:00.250000Z",
    }
    assert (await bob.get("/api/activity")).json() == []


async def test_activity_shows_the_latest_events(alice: httpx.AsyncClient) -> None:
    for minute in range(RECENT + 1):
        await deliver(alice, cloud_event(data=data(title=f"{minute}", at=f"2026-11-23T10:{minute:02}:00Z")))
    activity = (await alice.get("/api/activity")).json()
    assert [it["title"] for it in activity] == [f"{minute}" for minute in range(RECENT, 0, -1)]


@pytest.mark.parametrize(
    "event",
    [
        [],
        {},
        cloud_event(id="no uuid"),
        cloud_event(type="order.created"),
        cloud_event(data={"title": "milk"}),
        cloud_event(data=data(title="nul \0")),
        cloud_event(data=data(title="x" * 201)),
        cloud_event(data=data(at="yesterday")),
        cloud_event(data=data(user="")),
    ],
)
async def test_foreign_event_goes_to_the_dead_letter_topic(alice: httpx.AsyncClient, event: object) -> None:
    assert await deliver(alice, event) == {"status": "DROP"}
    assert (await alice.get("/api/activity")).json() == []


async def test_only_the_pods_own_address_delivers_events(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app, client=("10.0.0.7", 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://backend") as stranger:
        answer = await stranger.post("/events/todo", json=cloud_event())
    assert answer.status_code == 403


async def test_activity_works_without_a_topic(settings: Settings, database_url: str) -> None:
    alone = create_app(settings.model_copy(update={"events_topic": ""}))
    async with alone.router.lifespan_context(alone):
        async with alone.state.services.todos("alice") as todos:
            milk = (await todos.create("milk")).todo
            await todos.delete(milk.id)
        await eventually(lambda: waiting(database_url) == 0)
        async with alone.state.services.sessions.begin() as session:
            events = await recent(session, "alice")
    assert [(event.type, event.title) for event in events] == [("todo.deleted", "milk"), ("todo.created", "milk")]
