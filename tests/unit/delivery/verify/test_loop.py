from collections.abc import Sequence
from http import HTTPStatus

import pytest

from delivery import access
from delivery.engine import stack
from delivery.report import Check
from delivery.verify import expected
from delivery.verify.loop import verify
from tests.support.api_server import Answer
from tests.support.running_app import FAST, NAMESPACE, PODS, Clock, RunningApp, deployments, pod


def test_checks_repeat_until_they_pass_for_ten_seconds(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.runs(deployments(readyReplicas=0), pod())
    clock = Clock(lambda count: app.runs(deployments(), pod()) if count == 29 else None)

    assert app.verify(None, clock.pacing()).state == "passed"

    assert "waiting for rollout of frontend: of 1 replicas: 1 updated, 0 ready" in capsys.readouterr().err
    assert clock.now == 58 + 10  # the last attempt before the timeout of 60 begins the ten seconds


@pytest.mark.parametrize(("setting", "seconds", "end"), [(10, None, 10), (60, 4, 4)])
def test_timeout_is_the_stacks_or_the_callers(app: RunningApp, setting: int, seconds: float | None, end: float) -> None:
    app.promises(verifyTimeoutSeconds=setting)
    app.runs(deployments(readyReplicas=0), pod())
    clock = Clock()

    assert app.verify(seconds, clock.pacing()).state == "failed"
    assert clock.now == end


def test_crash_soon_after_the_start_fails(app: RunningApp) -> None:
    crashed = pod(restarts=1, backend={"terminated": {"exitCode": 1, "reason": "Error"}})
    clock = Clock(lambda count: app.runs(deployments(readyReplicas=0), crashed) if count == 4 else None)

    result = app.verify(2, clock.pacing())

    assert result.state == "failed"
    assert "exited with code 1" in str(result.checks)
    assert clock.now == 8


def test_restart_between_two_polls_begins_the_ten_seconds_again(app: RunningApp) -> None:
    clock = Clock(lambda count: app.runs(deployments(), pod(restarts=1)) if count == 4 else None)

    assert app.verify(None, clock.pacing()).state == "passed"
    assert clock.now == 8 + 10


def test_pods_that_keep_restarting_are_not_steady(app: RunningApp) -> None:
    clock = Clock(lambda count: app.runs(deployments(), pod(restarts=count)))

    result = app.verify(4, clock.pacing())

    assert [check.name for check in result.checks if check.state == "failed"] == ["steadiness"]


def test_outage_is_waited_out(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = f"{NAMESPACE}/secrets/app-secrets"
    known = app.server.answers[secrets]
    app.server.answers[secrets] = Answer(b"no upstream", HTTPStatus.BAD_GATEWAY, "text/plain")

    def between(count: int) -> None:
        if count == 2:
            app.server.answers[secrets] = known
            app.server.refuses(PODS, HTTPStatus.SERVICE_UNAVAILABLE, "the server is restarting")
        if count == 4:
            app.runs(deployments(), pod())

    clock = Clock(between)

    assert app.verify(None, clock.pacing()).state == "passed"
    assert capsys.readouterr().err.count("the server is restarting") == 1


def test_outage_at_the_timeout_fails_no_check(app: RunningApp) -> None:
    app.runs([], pod())
    clock = Clock(lambda _: app.server.refuses(PODS, HTTPStatus.SERVICE_UNAVAILABLE, "the server is shutting down"))

    result = app.verify(6, clock.pacing())

    assert result.state == "unknown"
    assert "the server is shutting down" in str(result.error)
    assert clock.now == 6


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED])
def test_rejection_fails_no_check_and_is_not_retried(app: RunningApp, status: HTTPStatus) -> None:
    app.server.refuses(PODS, status, "pods is forbidden")

    result = app.verify(60)

    assert result.state == "unknown"
    assert "pods is forbidden" in str(result.error)
    assert sum(request.path == PODS for request in app.server.requests) == 1


class Recorder(list[str]):
    """A progress that keeps the causes."""

    def show(self, checks: Sequence[Check]) -> None:
        self.extend(cause for check in checks for cause in check.causes)

    def echo(self, problem: str) -> None:
        pytest.fail(problem)


def test_progress_is_redacted(app: RunningApp) -> None:
    message = {"terminated": {"exitCode": 1, "reason": "Error", "message": "no canary-password"}}
    app.runs(deployments(readyReplicas=0), pod(backend=message))
    app.has_secrets({"database-url": "postgresql://todo:canary-password@db.example.com/todo"})
    recorder = Recorder()

    verify(access.client("oke"), expected.read(stack.outputs("oke")), 0, recorder, FAST)

    assert recorder
    assert "canary" not in str(recorder)
