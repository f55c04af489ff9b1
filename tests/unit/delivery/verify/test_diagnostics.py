import base64
import json
from http import HTTPStatus
from pathlib import Path

import pytest

from delivery.__main__ import main
from tests.support.api_server import Answer
from tests.support.running_app import LOG, NAMESPACE, RunningApp, checks, deployments, event, pod

CRASHED = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
URL = "postgresql://todo:canary%2Dpassword@db.example.com/todo"


def crash(app: RunningApp) -> None:
    """Only the frontend's check is passed: the server does not tell the apps' pods apart."""
    app.runs(deployments(readyReplicas=0), pod(backend=CRASHED, restarts=2))


def causes(capsys: pytest.CaptureFixture[str], name: str = "rollout of backend") -> list[str]:
    return checks(capsys, 1)[name]["causes"]


def test_a_rollout_that_does_not_complete_names_its_causes_and_last_words_without_secrets(
    app: RunningApp, capsys: pytest.CaptureFixture[str]
) -> None:
    crash(app)
    app.has_secrets({"database-url": URL}, kafka_secrets={"username": "canary-user"})
    app.writes(f"cannot reach {URL}\nas canary-user with canary-password\n", container="backend")
    app.has_events(event("Pod", "pod-1", "BackOff", "restarting with canary-password"))

    assert causes(capsys) == [
        "backend: container backend is in CrashLoopBackOff: back-off",
        "02:31:41 UTC Pod pod-1: BackOff: restarting with [secret]",
        "pod-1 backend: cannot reach [secret]",
        "pod-1 backend: as [secret] with [secret]",
    ]
    asked = [request.query for request in app.server.requests if request.path == LOG]
    assert {"container": "backend", "tailLines": "10"} in asked
    assert not any("previous" in query for query in asked if query["container"] == "backend")
    assert app.pulumi.verified == ""


def test_what_is_shown_while_it_goes_on_has_no_secret_either(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"terminated": {"exitCode": 1, "reason": "Error", "message": "no canary-password"}}
    app.runs(deployments(readyReplicas=0), pod(backend=told))
    app.has_secrets({"database-url": URL})
    shown: list[str] = []
    monkeypatch.setattr(
        "delivery.verify.progress._Lines.show",
        lambda _, checks: shown.extend(cause for check in checks for cause in check.causes),
    )

    assert main(["verify", "--seconds", "0"]) == 1
    assert set(shown) == {"backend: container backend exited with code 1 (Error): no [secret]"}


def test_a_container_that_runs_again_is_told_with_the_last_words_of_the_one_before(
    app: RunningApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.runs(deployments(readyReplicas=0), pod(backend={"running": {"startedAt": None}}, restarts=1))
    app.writes("starting\n", container="backend")
    app.writes("panic\n", container="backend", previous=True)

    assert causes(capsys) == ["pod-1 backend before its restart: panic", "pod-1 backend: starting"]


def test_a_hook_of_a_pod_that_failed_is_told_and_one_that_is_done_is_not(
    app: RunningApp, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = pod(backend={"waiting": {"reason": "PodInitializing"}})
    ended = {"image": "r.example/i:1", "imageID": "sha256:1c", "ready": False, "restartCount": 0}
    waiting["status"]["initContainerStatuses"] = [
        {**ended, "name": "done", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
        {**ended, "name": "wait", "state": {"terminated": {"exitCode": 2, "reason": "Error"}}},
    ]
    app.runs(deployments(readyReplicas=0), waiting)
    for container in ("done", "wait"):
        app.writes("words\n", container=container)

    assert causes(capsys) == ["backend: container wait exited with code 2 (Error)", "pod-1 wait: words"]


def test_events_are_the_latest_of_the_app_each_once(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    crash(app)
    others = [event("Pod", "other-1", "Failed", "of another app"), event("ReplicaSet", "other-77", "Failed", "no")]
    app.has_events(
        *others,
        event("ReplicaSet", "backend-5d9f", "FailedCreate", "exceeded quota", "2026-11-24T02:30:00Z"),
        event("Deployment", "backend", "Rejected", "no", "2026-11-24T02:29:00Z"),
        event("Pod", "pod-1", "Unhealthy", "probe of 10.0.0.7 failed: 500", "2026-11-24T02:31:00Z"),
        event("Pod", "pod-1", "Unhealthy", "probe of 10.0.0.8 failed: 502", "2026-11-24T02:32:00Z"),
        event("Pod", "pod-1", "Long", f"one\n{'x' * 400}", "2026-11-24T02:28:00Z"),
        event("Pod", "pod-1", "Fourth", "4", "2026-11-24T02:27:00Z"),
        event("Pod", "pod-1", "Fifth", "5", "2026-11-24T02:26:00Z"),
    )

    assert causes(capsys)[1:] == [
        "02:32:00 UTC Pod pod-1: Unhealthy: probe of 10.0.0.8 failed: 502",
        "02:30:00 UTC ReplicaSet backend-5d9f: FailedCreate: exceeded quota",
        "02:29:00 UTC Deployment backend: Rejected: no",
        f"02:28:00 UTC Pod pod-1: Long: one {'x' * 296}",
        "02:27:00 UTC Pod pod-1: Fourth: 4",
    ]


def test_an_answer_that_fails_is_told_with_what_its_certificate_waits_for(
    app: RunningApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.server.answers["/"] = Answer(b"", HTTPStatus.NOT_FOUND)
    app.has_events(event("Challenge", "todo-app-tls-1", "PresentError", "no DNS"), event("Pod", "pod-1", "Any", "any"))

    found = checks(capsys, 1)
    assert found["GET /"]["causes"] == ["02:31:41 UTC Challenge todo-app-tls-1: PresentError: no DNS"]
    assert found["rollout of backend"]["causes"] == []


def test_a_sidecar_that_is_not_ready_is_told_with_its_last_words(
    app: RunningApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.runs(deployments(), pod(daprd=CRASHED, restarts=2))

    assert any(line.startswith("pod-1 daprd: {") for line in causes(capsys, "Dapr sidecars"))


def test_what_is_not_there_fails_nothing_else(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    crash(app)
    for name in ("app-secrets", "kafka-secrets"):
        app.server.answers.pop(f"{NAMESPACE}/secrets/{name}", None)

    assert causes(capsys) == ["backend: container backend is in CrashLoopBackOff: back-off"]


def test_what_cannot_be_masked_is_not_shown(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    crash(app)
    app.server.refuses(f"{NAMESPACE}/secrets/app-secrets", HTTPStatus.FORBIDDEN, "secrets is forbidden")
    app.writes("canary-password\n", container="backend")

    found = checks(capsys, 1)
    assert found["rollout of backend"]["causes"] == ["not shown: the app's secrets cannot be read to redact them"]
    assert found["rollout of backend"]["evidence"].startswith("of 1 replicas")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("postgresql://old:canary-rotated@db/x", "postgresql://[secret]@db/x"),
        ("Authorization: Bearer canary-of-a-user.x", "Authorization: Bearer [secret]"),
        ("eyJhbGciOi.eyJzdWIi.canary of ann", "[secret] of ann"),
        ("host=db password=canary-rotated user=x", "host=db password=[secret] user=x"),
        ("at https://db.example.com/a@b it is", "at https://db.example.com/a@b it is"),
        ("pulled with canary-token", "pulled with [secret]"),
        ("pulled with canary-auth", "pulled with [secret]"),
        ("\x1b[31mred\x1b[0m\x1b[2J and \tmore", "red and more"),
        (f"as {base64.b64encode(b'canary-key').decode()}", "as [secret]"),
    ],
)
def test_what_has_the_form_of_a_secret_is_hidden_too(
    app: RunningApp, line: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    crash(app)
    registry = {"auths": {"ghcr.io": {"username": "u", "password": "canary-token", "auth": "canary-auth"}}}
    app.has_secrets({"cohere-api-key": "canary-key"}, registry_pull={".dockerconfigjson": json.dumps(registry)})
    app.writes(f"{line}\n", container="backend")

    assert causes(capsys)[-1] == f"pod-1 backend: {shown}"


def test_what_a_pod_writes_is_no_markup_of_the_page(
    app: RunningApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash(app)
    app.writes("<img src=x> | [a](b) `c`\n", container="backend")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page"))

    assert main(["verify", "--seconds", "0"]) == 1

    row = next(line for line in (tmp_path / "page").read_text().splitlines() if "rollout of backend |" in line)
    assert r"<br>pod-1 backend: &lt;img src=x> \| \[a\](b) \`c\`" in row
