import base64
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.__main__ import main
from tests.support import example
from tests.support.api_server import Answer
from tests.support.running_app import COMPONENTS, IMAGES, NAMESPACE, PODS, RunningApp, checks, deployments, pod

NAMES = {
    "rollout of frontend",
    "rollout of backend",
    "image of frontend",
    "image of backend",
    "Dapr components",
    "Dapr sidecars",
    "Dapr certificate",
    "GET /",
    "GET /api/health",
    "steadiness",
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], list[float]]:
    """A clock that only sleep moves: `clock(between)` calls `between` with how many sleeps there were, and has all."""

    def wound(between: Callable[[int], None]) -> list[float]:
        sleeps: list[float] = []

        def sleep(seconds: float) -> None:
            sleeps.append(seconds)
            assert len(sleeps) < 200
            between(len(sleeps))

        monkeypatch.setattr("delivery.verify.loop.time.sleep", sleep)
        monkeypatch.setattr("delivery.verify.loop.time.monotonic", lambda: sum(sleeps))
        monkeypatch.setattr("delivery.verify.loop._POLL_SECONDS", 2.0)
        monkeypatch.setattr("delivery.verify.loop.STEADY_SECONDS", 10.0)
        return sleeps

    return wound


def test_what_is_as_promised_passes_and_is_recorded(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    found = checks(capsys, 0)

    assert found.keys() == NAMES
    assert {check["state"] for check in found.values()} == {"passed"}
    assert found["image of backend"]["evidence"] == IMAGES["backend"]
    assert found["GET /api/health"]["evidence"] == f"200 from {app.server.url}/api/health"
    assert app.pulumi.verified == "1"
    assert {request.authorization for request in app.server.requests if "/namespaces/" in request.path} == {
        "Bearer canary-token"
    }


def test_pods_of_other_people_with_the_same_label_are_not_looked_at(
    app: RunningApp, capsys: pytest.CaptureFixture[str]
) -> None:
    checks(capsys, 0)

    asked = {request.query["labelSelector"] for request in app.server.requests if request.path == PODS}
    assert asked == {f"app={name},app.kubernetes.io/instance=todo-app" for name in IMAGES}


def test_a_person_reads_a_line_for_each_check_and_the_job_a_table(
    app: RunningApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page, outputs = tmp_path / "summary.md", tmp_path / "outputs"
    page.write_text("before\n")
    outputs.write_text("before=1\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))

    assert main(["verify", "--seconds", "0"]) == 0

    assert "ok     Dapr sidecars        1 ready in 1 pods of the backend\n" in capsys.readouterr().out
    assert page.read_text().startswith("before\n### Verification: passed\n\n| check |")
    assert "| Dapr sidecars | ok | 1 ready in 1 pods of the backend |" in page.read_text()
    assert outputs.read_text() == "before=1\nresult=passed\n"
    assert app.pulumi.verified == "1"


def test_each_failed_check_fails_the_command_and_is_named(
    app: RunningApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app.runs([], pod(images={**IMAGES, "frontend": "r.example/f:other"}, daprd={"waiting": {}}))
    app.server.has_list(COMPONENTS, {"metadata": {"name": "todo-state"}})
    app.server.answers["/"] = Answer(b"", HTTPStatus.BAD_GATEWAY)
    del app.server.answers["/api/health"]
    for name in ("page", "outputs"):
        monkeypatch.setenv({"page": "GITHUB_STEP_SUMMARY", "outputs": "GITHUB_OUTPUT"}[name], str(tmp_path / name))

    failed = {name: check["evidence"] for name, check in checks(capsys, 1).items() if check["state"] == "failed"}
    assert failed == {
        "rollout of frontend": "there is no such deployment",
        "rollout of backend": "there is no such deployment",
        "image of frontend": f"r.example/f:other runs, and not {IMAGES['frontend']}",
        "Dapr components": "todo-pubsub missing",
        "Dapr sidecars": "0 ready in 1 pods of the backend",
        "GET /": f"502 from {app.server.url}/",
        "GET /api/health": f"404 from {app.server.url}/api/health",
    }
    assert app.pulumi.verified == ""

    assert main(["verify", "--seconds", "0"]) == 1
    told = (
        "7 of 9 checks failed: rollout of frontend, rollout of backend, image of frontend, Dapr components, "
        "Dapr sidecars, GET /, GET /api/health"
    )
    assert f"error: {told}\n" in capsys.readouterr().err
    assert f"### Verification: failed\n\n{told}\n" in (tmp_path / "page").read_text()
    assert (tmp_path / "outputs").read_text() == "result=failed\n" * 2


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 1},
        {"replicas": 2},
        {"updatedReplicas": 0},
        {"readyReplicas": 0},
        {"availableReplicas": 0},
    ],
)
def test_a_rollout_is_complete_once_only_ready_pods_of_the_new_version_are_left(
    app: RunningApp, status: Mapping[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    app.runs(deployments(**status), pod())

    assert checks(capsys, 1)["rollout of frontend"]["state"] == "failed"


def test_simulated_pods_pass_nothing_that_only_a_real_one_can_show(
    app: RunningApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.runs(deployments(), pod(image_id=""))

    found = checks(capsys, 0)

    assert {name for name, check in found.items() if check["state"] == "passed"} == {
        "rollout of frontend",
        "rollout of backend",
        "steadiness",
    }
    assert {check["evidence"].partition(",")[0] for check in found.values() if check["state"] == "not applicable"} == {
        "its pods are simulated: no image is pulled"
    }
    assert app.pulumi.verified == "1"


def test_no_pod_of_another_image_may_run_but_one_that_ends(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    old = pod(images={**IMAGES, "backend": "r.example/b:old"})
    app.runs(deployments(), pod(), old)
    check = checks(capsys, 1)["image of backend"]
    assert (check["state"], check["evidence"].partition(" runs")[0]) == (
        "failed",
        f"r.example/b:old, {IMAGES['backend']}",
    )

    old["metadata"]["deletionTimestamp"] = "2026-11-24T02:31:41Z"
    app.runs(deployments(), pod(), old)
    assert checks(capsys, 0)["image of backend"]["evidence"] == IMAGES["backend"]


def test_a_pod_that_was_evicted_long_ago_fails_nothing(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    evicted = pod(images={**IMAGES, "backend": "r.example/b:old"}, daprd={"terminated": {"exitCode": 137}})
    evicted["metadata"]["uid"] = "evicted"
    evicted["status"] |= {"phase": "Failed", "reason": "Evicted"}
    app.runs(deployments(), pod(), evicted)

    assert "failed" not in {check["state"] for check in checks(capsys, 0).values()}


def test_without_a_pod_nothing_runs(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.runs(deployments())

    found = checks(capsys, 1)

    assert found["Dapr sidecars"]["evidence"] == "0 ready in 0 pods of the backend"
    assert found["Dapr components"]["evidence"] == "no pod of the backend is there to load them"
    assert found["image of backend"]["evidence"] == f"nothing runs, and not {IMAGES['backend']}"


def test_a_tag_proves_no_image(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.promises(images={**IMAGES, "backend": "r.example/b:v1"})

    assert checks(capsys, 0)["image of backend"]["state"] == "not applicable"


def test_it_waits_as_long_as_the_stack_says_and_holds_for_ten_seconds(
    app: RunningApp, clock: Callable[..., list[float]], capsys: pytest.CaptureFixture[str]
) -> None:
    app.runs(deployments(readyReplicas=0), pod())
    sleeps = clock(lambda count: app.runs(deployments(), pod()) if count == 29 else None)

    assert main(["verify"]) == 0

    told = capsys.readouterr()
    assert "waiting for rollout of frontend: of 1 replicas: 1 updated, 0 ready" in told.err
    assert "ok     steadiness           the same pods, without a restart, for 10 seconds\n" in told.out
    assert sum(sleeps) == 58 + 10  # the last look before the deadline of 60 begins the ten seconds
    assert app.pulumi.verified == "1"


def test_at_the_deadline_it_fails(app: RunningApp, clock: Callable[..., list[float]]) -> None:
    app.runs(deployments(readyReplicas=0), pod())
    sleeps = clock(lambda _: None)

    assert main(["verify"]) == 1
    assert sum(sleeps) == 60

    app.pulumi.has_outputs({})
    app.promises(verifyTimeoutSeconds=10)
    sleeps.clear()
    assert main(["verify"]) == 1
    assert sum(sleeps) == 10

    sleeps.clear()
    assert main(["verify", "--seconds", "4"]) == 1
    assert sum(sleeps) == 4


def test_an_app_that_crashes_soon_after_it_was_ready_does_not_pass(
    app: RunningApp, clock: Callable[..., list[float]], capsys: pytest.CaptureFixture[str]
) -> None:
    crashed = pod(restarts=1, backend={"terminated": {"exitCode": 1, "reason": "Error"}})
    sleeps = clock(lambda count: app.runs(deployments(readyReplicas=0), crashed) if count == 4 else None)

    assert main(["verify", "--seconds", "2"]) == 1

    assert "backend: container backend exited with code 1 (Error)" in capsys.readouterr().out
    assert sum(sleeps) == 8
    assert app.pulumi.verified == ""


def test_a_restart_between_two_looks_begins_the_ten_seconds_anew(
    app: RunningApp, clock: Callable[..., list[float]]
) -> None:
    sleeps = clock(lambda count: app.runs(deployments(), pod(restarts=1)) if count == 4 else None)

    assert main(["verify"]) == 0
    assert sum(sleeps) == 8 + 10


def test_pods_that_come_and_go_are_not_steady(
    app: RunningApp, clock: Callable[..., list[float]], capsys: pytest.CaptureFixture[str]
) -> None:
    clock(lambda count: app.runs(deployments(), pod(restarts=count)))

    assert main(["verify", "--seconds", "4"]) == 1
    assert "1 of 10 checks failed: steadiness" in capsys.readouterr().err


def test_the_kubeconfig_of_other_commands_may_lead_elsewhere(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/the/cluster/of/another/stack")

    assert main(["verify", "--seconds", "0"]) == 0
    assert [request for request in app.server.requests if "/namespaces/" in request.path]


@pytest.mark.parametrize("form", ["path", "path that could be base64", "base64", "base64 in lines"])
def test_another_kubeconfig_may_be_named(
    app: RunningApp, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = yaml.safe_dump(example.kubeconfig(app.server.url, user={"token": "canary-other"}))
    monkeypatch.chdir(tmp_path)
    Path("Y29uZmln").write_text(text)
    lines = base64.encodebytes(text.encode()).decode()
    given = {
        "path": str(tmp_path / "Y29uZmln"),
        "path that could be base64": "Y29uZmln",
        "base64": lines.replace("\n", ""),
        "base64 in lines": lines,
    }
    monkeypatch.setenv("DELIVERY_KUBECONFIG", given[form])

    assert main(["verify", "--seconds", "0"]) == 0

    of_the_cluster = [request for request in app.server.requests if "/namespaces/" in request.path]
    assert {request.authorization for request in of_the_cluster} == {"Bearer canary-other"}
    assert not any("--show-secrets" in call for call in app.pulumi.calls)


@pytest.mark.usefixtures("app")
def test_a_kubeconfig_that_leads_nowhere_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DELIVERY_KUBECONFIG", "/nowhere")

    assert main(["verify"]) == 3
    assert capsys.readouterr().err == (
        "error: DELIVERY_KUBECONFIG leads to no cluster: there is no file /nowhere.\n"
        "    unset DELIVERY_KUBECONFIG   for the stack's own\n"
    )


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED])
def test_a_cluster_that_refuses_is_no_failed_check_and_not_asked_again(
    app: RunningApp,
    status: HTTPStatus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app.server.refuses(PODS, status, "pods is forbidden")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))

    assert main(["verify", "--seconds", "60"]) == 3

    assert capsys.readouterr().err == "error: The cluster does not answer: pods is forbidden\n"
    assert (tmp_path / "outputs").read_text() == "result=unknown\n"
    assert (tmp_path / "page").read_text() == (
        "### Verification: unknown\n\nThe cluster does not answer: pods is forbidden\n\n"
    )
    assert sum(request.path == PODS for request in app.server.requests) == 1
    assert app.pulumi.verified == ""


def test_an_outage_is_waited_out(
    app: RunningApp, clock: Callable[..., list[float]], capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = f"{NAMESPACE}/secrets/app-secrets"
    known = app.server.answers[secrets]
    app.server.answers[secrets] = Answer(b"no upstream", HTTPStatus.BAD_GATEWAY, "text/plain")

    def between(count: int) -> None:
        if count == 2:
            app.server.answers[secrets] = known
            app.server.refuses(PODS, HTTPStatus.SERVICE_UNAVAILABLE, "the server is starting")
        if count == 4:
            app.runs(deployments(), pod())

    clock(between)

    assert main(["verify", "--seconds", "60"]) == 0
    assert capsys.readouterr().err.count("The cluster does not answer: the server is starting\n") == 1
    assert app.pulumi.verified == "1"


def test_an_outage_at_the_deadline_is_no_failed_check(
    app: RunningApp, clock: Callable[..., list[float]], capsys: pytest.CaptureFixture[str]
) -> None:
    app.runs([], pod())
    sleeps = clock(lambda _: app.server.refuses(PODS, HTTPStatus.SERVICE_UNAVAILABLE, "the server is shutting down"))

    assert main(["verify", "--seconds", "6"]) == 3
    assert sum(sleeps) == 6
    assert "error: The cluster does not answer: the server is shutting down" in capsys.readouterr().err


def test_to_interrupt_it_says_nothing_of_the_app(
    app: RunningApp, clock: Callable[..., list[float]], capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    clock(interrupt)

    assert main(["verify"]) == 3
    assert "error: It was interrupted.\n" in capsys.readouterr().err
    assert app.pulumi.verified == ""


def test_a_stack_that_was_never_brought_up_is_told(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.pulumi.has_outputs({})

    assert main(["verify"]) == 3
    assert "nothing was deployed.\n    pulumi up" in capsys.readouterr().err


def test_a_record_that_cannot_be_written_fails_nothing(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.pulumi.exits("tagging", 1)

    assert main(["verify", "--seconds", "0"]) == 0
    assert "That update was not recorded as verified" in capsys.readouterr().err


def test_a_program_gets_the_causes_apart(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.runs(deployments(readyReplicas=0), pod(backend={"waiting": {"reason": "CrashLoopBackOff", "message": "5 s"}}))

    assert main(["verify", "--seconds", "0", "--json"]) == 1

    told: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert told[1] == {
        "name": "rollout of backend",
        "state": "failed",
        "evidence": "of 1 replicas: 1 updated, 0 ready, 1 available, 1 in all",
        "causes": ["backend: container backend is in CrashLoopBackOff: 5 s"],
    }
