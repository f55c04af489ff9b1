"""The todos' HTTP API."""

import asyncio
import json
from datetime import datetime
from uuid import uuid4

import httpx
import psycopg
import pytest

from todo.todos import MAX_TODOS


async def add(client: httpx.AsyncClient, title: str) -> dict[str, str]:
    answer = await client.post("/api/todos", json={"title": title})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def titles(client: httpx.AsyncClient) -> list[str]:
    answer = await client.get("/api/todos")
    assert answer.status_code == 200, answer.text
    return [todo["title"] for todo in answer.json()]


async def test_todo_is_added_and_listed(alice: httpx.AsyncClient) -> None:
    first = await alice.post("/api/todos", json={"title": "  milk "})
    await add(alice, "bread")
    assert first.headers["Location"] == f"/api/todos/{first.json()['id']}"
    assert (await alice.get(first.headers["Location"])).json() == first.json()
    assert await titles(alice) == ["milk", "bread"]
    assert first.json()["completed"] is False
    assert datetime.fromisoformat(first.json()["created_at"]).tzinfo


async def test_todo_is_completed_and_reopened(alice: httpx.AsyncClient) -> None:
    place = f"/api/todos/{(await add(alice, 'milk'))['id']}"
    completed = (await alice.patch(place, json={"completed": True})).json()
    again = (await alice.patch(place, json={"completed": True})).json()
    assert completed["completed"]
    assert again["completed_at"] == completed["completed_at"]
    reopened = (await alice.patch(place, json={"completed": False})).json()
    assert (reopened["completed"], reopened["completed_at"]) == (False, None)


async def test_todo_can_be_read_during_a_change(alice: httpx.AsyncClient, database_url: str) -> None:
    place = f"/api/todos/{(await add(alice, 'milk'))['id']}"
    with psycopg.connect(database_url) as other:
        other.execute("select * from todos for update")
        async with asyncio.timeout(5):
            assert (await alice.get(place)).json()["title"] == "milk"


async def test_todo_is_renamed(alice: httpx.AsyncClient) -> None:
    place = f"/api/todos/{(await add(alice, 'milk'))['id']}"
    renamed = await alice.patch(place, json={"title": "oat milk"})
    assert renamed.json()["title"] == "oat milk"
    assert await titles(alice) == ["oat milk"]


async def test_todo_is_deleted(alice: httpx.AsyncClient) -> None:
    place = f"/api/todos/{(await add(alice, 'milk'))['id']}"
    assert (await alice.delete(place)).status_code == 204
    assert await titles(alice) == []
    assert (await alice.delete(place)).json() == {"detail": "There is no such todo."}


async def test_other_users_neither_see_nor_change_a_todo(alice: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    place = f"/api/todos/{(await add(alice, 'milk'))['id']}"
    assert await titles(bob) == []
    for answer in (
        await bob.get(place),
        await bob.patch(place, json={"completed": True}),
        await bob.patch(place, json={"completed": False}),
        await bob.patch(place, json={"title": "stolen"}),
        await bob.delete(place),
    ):
        assert answer.status_code == 404
    [todo] = (await alice.get("/api/todos")).json()
    assert (todo["title"], todo["completed"]) == ("milk", False)


async def test_full_list_rejects_a_todo(alice: httpx.AsyncClient, bob: httpx.AsyncClient, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into todos (id, owner, title, created_at)"
            " select gen_random_uuid(), 'alice', 'todo ' || n, now() from generate_series(1, %s) n",
            [MAX_TODOS - 1],
        )
    answers = await asyncio.gather(*(alice.post("/api/todos", json={"title": f"{n}"}) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    full = next(answer for answer in answers if answer.status_code == 409)
    assert full.json() == {"detail": "There are 500 todos already: delete some first."}
    assert len(await titles(alice)) == MAX_TODOS
    await add(bob, "milk")


@pytest.mark.parametrize("title", ["", "   ", "x" * 201, "nul \0", "half a pair \ud800", None, 7])
async def test_invalid_title_is_rejected(alice: httpx.AsyncClient, title: object) -> None:
    place = f"/api/todos/{(await add(alice, 'milk'))['id']}"
    headers = {"Content-Type": "application/json"}

    body = json.dumps({"title": title})
    assert (await alice.post("/api/todos", content=body, headers=headers)).status_code == 422
    if title is not None:
        assert (await alice.patch(place, content=body, headers=headers)).status_code == 422
    assert await titles(alice) == ["milk"]


async def test_unknown_id_is_not_found(alice: httpx.AsyncClient) -> None:
    assert (await alice.patch(f"/api/todos/{uuid4()}", json={"completed": True})).status_code == 404
    assert (await alice.get("/api/todos/no-id")).status_code == 422


async def test_huge_body_is_rejected(alice: httpx.AsyncClient) -> None:
    assert (await alice.post("/api/todos", json={"title": "x" * 300_000})).status_code == 413
