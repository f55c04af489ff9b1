"""The process, started and ended like Kubernetes does."""

import http.client
import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from todo.settings import Settings
from todo.tokens import issue, read

from .conftest import BACKEND, SECRET, child_environment
from .serving import environment, process

TRACE = "0af7651916cd43dd8448eb211c80319c"


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "todo", *arguments],
        cwd=BACKEND,
        env=child_environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


def test_shutdown_loses_no_request(settings: Settings) -> None:
    headers = {"Authorization": f"Bearer {issue('alice', timedelta(hours=1), SECRET)}"}
    with process(settings) as (server, url), psycopg.connect(settings.database_url.get_secret_value()) as blocker:
        blocker.execute("lock table todos in exclusive mode")
        with ThreadPoolExecutor(4) as pool:
            waiting = [
                pool.submit(httpx.post, f"{url}/api/todos", json={"title": f"{n}"}, headers=headers, timeout=60)
                for n in range(4)
            ]
            _await_blocked(settings, 4)
            server.send_signal(signal.SIGTERM)
            _await_refused(url)
            assert server.poll() is None
            blocker.rollback()
            assert [it.result().status_code for it in waiting] == [201] * 4
        assert server.wait(timeout=60) in (0, -signal.SIGTERM)


def _await_blocked(settings: Settings, count: int) -> None:
    deadline = time.monotonic() + 60
    with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
        query = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        while connection.execute(query).fetchall()[0][0] < count:
            assert time.monotonic() < deadline, "the requests did not arrive"
            time.sleep(0.02)


def _await_refused(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{url}/api/health")
        except httpx.TransportError:
            return
        assert time.monotonic() < deadline, "it still accepts requests"
        time.sleep(0.02)


def test_log_is_json_with_trace_ids_and_without_secrets(settings: Settings) -> None:
    token = issue("alice", timedelta(hours=1), SECRET)
    with process(settings) as (server, url):
        headers = {"Authorization": f"Bearer {token}", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        httpx.post(f"{url}/api/todos", json={"title": "milk"}, headers=headers)
        httpx.post(f"{url}/api/chat", json={"messages": [{"role": "user", "content": "list"}]}, headers=headers)
        httpx.get(f"{url}/api/ready")
        server.send_signal(signal.SIGTERM)
        output, _ = server.communicate(timeout=60)
    lines = [json.loads(line) for line in output.splitlines()]
    assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in lines)
    requests = [line for line in lines if line["logger"] == "uvicorn.access"]
    assert [line["event"].split('"')[1] for line in requests] == ["POST /api/todos HTTP/1.1", "POST /api/chat HTTP/1.1"]
    assert {line["trace_id"] for line in requests} == {TRACE}
    for secret in (token, *environment(settings).values()):
        assert secret not in output


def test_crash_is_one_log_line_without_local_variables(settings: Settings) -> None:
    empty = SecretStr(settings.database_url.get_secret_value().removesuffix("/todo") + "/postgres")
    headers = {"Authorization": f"Bearer {issue('alice', timedelta(hours=1), SECRET)}"}
    with process(settings.model_copy(update={"database_url": empty})) as (server, url):
        assert httpx.get(f"{url}/api/todos", headers=headers).status_code == 500
        server.send_signal(signal.SIGTERM)
        output, _ = server.communicate(timeout=60)
    [crash] = [line for line in map(json.loads, output.splitlines()) if "exception" in line]
    assert "ProgrammingError" in {it["exc_type"] for it in crash["exception"]}
    assert not [frame for it in crash["exception"] for frame in it["frames"] if frame.get("locals")]


def test_idle_connection_stays_open(settings: Settings) -> None:
    with process(settings) as (_, url):
        connection = http.client.HTTPConnection(url.removeprefix("http://"))
        for idle_seconds in (6, 0):
            connection.request("GET", "/api/health")
            connection.getresponse().read()
            time.sleep(idle_seconds)
        connection.close()


def test_missing_settings_are_one_sentence() -> None:
    started = run()
    assert started.returncode == 1
    assert started.stdout == ""
    assert started.stderr == (
        "todo: cannot start: DATABASE_URL is not set, BETTER_AUTH_SECRET is not set, COHERE_API_KEY is not set;"
        " see backend/README.md for each variable\n"
    )


def test_invalid_settings_are_named_without_their_values() -> None:
    started = run(
        DATABASE_URL="mysql://todo:hunter2@db/todo",
        BETTER_AUTH_SECRET="hunter2",
        COHERE_API_KEY="",
        PORT="x",
        DAPR_GRPC_PORT="70000",
    )
    assert started.returncode == 1
    for part in (
        "DATABASE_URL is not postgresql://user:password@host/database",
        "BETTER_AUTH_SECRET is shorter than 32 characters",
        "COHERE_API_KEY is not set",
        "PORT is not valid",
        "DAPR_GRPC_PORT is not valid",
    ):
        assert part in started.stderr
    assert "hunter2" not in started.stderr
    assert len(started.stderr.splitlines()) == 1


def test_token_command_prints_a_valid_token(settings: Settings) -> None:
    made = run("token", "alice", "--hours", "0.5", **environment(settings))
    assert made.returncode == 0, made.stderr
    claims = read(made.stdout.strip(), SECRET)
    assert claims.sub == "alice"
    assert timedelta(minutes=29) < claims.exp - datetime.now(UTC) <= timedelta(minutes=30)


@pytest.mark.parametrize("hours", ["nan", "1e9", "1e308"])
def test_invalid_hours_are_rejected(settings: Settings, hours: str) -> None:
    made = run("token", "alice", "--hours", hours, **environment(settings))
    assert (made.returncode, made.stdout) == (1, "")
    assert made.stderr == f"todo: a token cannot be valid for {float(hours):g} hours\n"


def test_invalid_user_name_is_rejected(settings: Settings) -> None:
    made = run("token", "", **environment(settings))
    assert made.returncode == 1
    assert made.stderr == "todo: '' is no user's name: it takes 1 to 64 characters\n"
