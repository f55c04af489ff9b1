from collections.abc import Sequence
from http import HTTPStatus

import pytest

from delivery import report
from tests.support.api_server import Answer
from tests.support.running_app import LOG, NAMESPACE, RunningApp, deployments, event, pod

CRASHED = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
URL = "postgresql://todo:canary%2Dpassword@db.example.com/todo"


@pytest.fixture
def crashed(app: RunningApp) -> RunningApp:
    app.runs(deployments(readyReplicas=0), pod(backend=CRASHED, restarts=2))
    return app


def causes(app: RunningApp, name: str = "rollout of backend") -> Sequence[str]:
    check = app.check(name)
    assert check.state == "failed"
    return check.causes


def test_events_and_last_lines_explain_a_rollout_without_secrets(crashed: RunningApp) -> None:
    crashed.has_secrets({"database-url": URL}, kafka_secrets={"username": "canary-user"})
    crashed.writes(f"cannot reach {URL}\nas canary-user with canary-password\n", container="backend")
    crashed.has_events(event("Pod", "pod-1", "BackOff", "restarting with canary-password"))

    assert causes(crashed)[1:] == [
        "02:31:41 UTC Pod pod-1: BackOff: restarting with [secret]",
        "pod-1 backend: cannot reach [secret]",
        "pod-1 backend: as [secret] with [secret]",
    ]
    queries = [request.query for request in crashed.server.requests if request.path == LOG]
    assert {"container": "backend", "tailLines": "10"} in queries
    assert not any("previous" in query for query in queries if query["container"] == "backend")


def test_restarted_container_is_explained_by_its_previous_log(app: RunningApp) -> None:
    app.runs(deployments(readyReplicas=0), pod(backend={"running": {"startedAt": None}}, restarts=1))
    app.writes("starting\n", container="backend")
    app.writes("panic\n", container="backend", previous=True)

    assert causes(app) == ["pod-1 backend before its restart: panic", "pod-1 backend: starting"]


def test_failed_init_container_is_explained_and_a_completed_one_is_not(app: RunningApp) -> None:
    waiting = pod(backend={"waiting": {"reason": "PodInitializing"}})
    ended = {"image": "r.example/i:1", "imageID": "sha256:1c", "ready": False, "restartCount": 0}
    waiting["status"]["initContainerStatuses"] = [
        {**ended, "name": "done", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
        {**ended, "name": "wait", "state": {"terminated": {"exitCode": 2, "reason": "Error"}}},
    ]
    app.runs(deployments(readyReplicas=0), waiting)
    for container in ("done", "wait"):
        app.writes("words\n", container=container)

    assert causes(app)[1:] == ["pod-1 wait: words"]


def test_latest_events_of_the_app_are_listed_once(crashed: RunningApp) -> None:
    crashed.has_events(
        event("Pod", "other-1", "Failed", "of another app"),
        event("ReplicaSet", "backend-5d9f", "FailedCreate", "exceeded quota", "2026-11-24T02:30:00Z"),
        event("Deployment", "backend", "Rejected", "no", "2026-11-24T02:29:00Z"),
        event("Pod", "pod-1", "Unhealthy", "probe of 10.0.0.7 failed: 500", "2026-11-24T02:31:00Z"),
        event("Pod", "pod-1", "Unhealthy", "probe of 10.0.0.8 failed: 502", "2026-11-24T02:32:00Z"),
        event("Pod", "pod-1", "Long", f"one\n{'x' * 400}", "2026-11-24T02:28:00Z"),
        event("Pod", "pod-1", "Fourth", "4", "2026-11-24T02:27:00Z"),
        event("Pod", "pod-1", "Fifth", "5", "2026-11-24T02:26:00Z"),
    )

    lines = causes(crashed)[1:]

    assert lines[:3] == [
        "02:32:00 UTC Pod pod-1: Unhealthy: probe of 10.0.0.8 failed: 502",
        "02:30:00 UTC ReplicaSet backend-5d9f: FailedCreate: exceeded quota",
        "02:29:00 UTC Deployment backend: Rejected: no",
    ]
    assert lines[3].startswith("02:28:00 UTC Pod pod-1: Long: one xxx")
    assert len(lines[3]) < 350
    assert "Fifth" not in str(lines)


def test_failed_response_is_explained_by_the_events_of_its_certificate(app: RunningApp) -> None:
    app.server.answers["/"] = Answer(b"", HTTPStatus.NOT_FOUND)
    app.has_events(event("Challenge", "todo-app-tls-1", "PresentError", "no DNS"), event("Pod", "pod-1", "Any", "any"))

    assert causes(app, "GET /") == ["02:31:41 UTC Challenge todo-app-tls-1: PresentError: no DNS"]
    assert app.check("rollout of backend").causes == []


def test_unready_sidecar_is_explained_by_its_last_lines(app: RunningApp) -> None:
    app.runs(deployments(), pod(daprd=CRASHED, restarts=2))

    assert any(line.startswith("pod-1 daprd: {") for line in causes(app, "Dapr sidecars"))


def test_missing_secrets_and_logs_fail_nothing_else(crashed: RunningApp) -> None:
    for name in ("app-secrets", "kafka-secrets"):
        crashed.server.answers.pop(f"{NAMESPACE}/secrets/{name}", None)

    assert len(causes(crashed)) == 1


def test_causes_are_withheld_where_the_secrets_cannot_be_read(crashed: RunningApp) -> None:
    crashed.server.refuses(f"{NAMESPACE}/secrets/app-secrets", HTTPStatus.FORBIDDEN, "secrets is forbidden")
    crashed.writes("canary-password\n", container="backend")

    (withheld,) = causes(crashed)

    assert withheld.startswith("not shown")
    assert crashed.check("rollout of backend").evidence.startswith("of 1 replicas")


def test_log_lines_are_no_markup_of_the_summary(crashed: RunningApp) -> None:
    crashed.writes("<img src=x> | [a](b) `c`\n", container="backend")

    page = report.markdown("failed", "why", crashed.verify().checks)

    row = next(line for line in page.splitlines() if "rollout of backend |" in line)
    assert r"<br>pod-1 backend: &lt;img src=x> \| \[a\](b) \`c\`" in row
