import base64
import json
from http import HTTPStatus
from pathlib import Path

import pytest
import yaml

from delivery.report import as_json
from delivery.verify import run
from delivery.verify.loop import UnverifiedError
from tests.support import example
from tests.support.api_server import Answer
from tests.support.command_line import Delivery
from tests.support.running_app import FAST, IMAGES, PODS, Clock, RunningApp, deployments, pod


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the summary page and the outputs of a workflow's step."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    return tmp_path


def test_app_that_runs_as_expected_passes_and_is_recorded(app: RunningApp, outputs: Path) -> None:
    printed: list[str] = []

    run.run("oke", 0, lambda checks: printed.append(as_json(checks)), FAST)

    assert {check["state"] for check in json.loads(printed[0])} == {"passed"}
    assert "### Verification: passed" in (outputs / "page").read_text()
    assert (outputs / "outputs").read_text() == "result=passed\n"
    assert app.pulumi.verified == "1"
    requests = [request for request in app.server.requests if "/namespaces/" in request.path]
    assert {request.authorization for request in requests} == {"Bearer canary-token"}


def test_only_pods_of_the_release_are_checked(app: RunningApp) -> None:
    app.verify()

    selectors = {request.query["labelSelector"] for request in app.server.requests if request.path == PODS}
    assert selectors == {f"app={name},app.kubernetes.io/instance=todo-app" for name in IMAGES}


def test_each_failed_check_is_named(app: RunningApp, outputs: Path, delivery: Delivery) -> None:
    app.runs([], pod())
    app.server.answers["/"] = Answer(b"", HTTPStatus.BAD_GATEWAY)

    printed, error = delivery("verify", "--seconds", "0", "--json", code=1)

    failed = [check["name"] for check in json.loads(printed) if check["state"] == "failed"]
    assert failed == ["rollout of frontend", "rollout of backend", "GET /"]
    reason = f"3 of 9 checks failed: {', '.join(failed)}"
    assert f"error: {reason}\n" in error
    assert f"### Verification: failed\n\n{reason}\n" in (outputs / "page").read_text()
    assert (outputs / "outputs").read_text() == "result=failed\n"
    assert app.pulumi.verified == ""


def test_simulated_pods_pass_only_what_they_can_show(app: RunningApp) -> None:
    app.runs(deployments(), pod(image_id=""))

    result = app.verify()

    passed = {check.name for check in result.checks if check.state == "passed"}
    assert result.state == "passed"
    assert passed == {"rollout of frontend", "rollout of backend", "steadiness"}


def test_kubeconfig_of_other_commands_is_ignored(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/the/cluster/of/another/stack")

    assert app.verify().state == "passed"


@pytest.mark.parametrize("form", ["path that could be base64", "base64 in lines"])
def test_another_kubeconfig_can_be_given(
    app: RunningApp, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = yaml.safe_dump(example.kubeconfig(app.server.url, user={"token": "canary-other"}))
    monkeypatch.chdir(tmp_path)
    Path("Y29uZmln").write_text(text)
    given = "Y29uZmln" if form.startswith("path") else base64.encodebytes(text.encode()).decode()
    monkeypatch.setenv("DELIVERY_KUBECONFIG", given)

    assert app.verify().state == "passed"

    requests = [request for request in app.server.requests if "/namespaces/" in request.path]
    assert {request.authorization for request in requests} == {"Bearer canary-other"}
    assert not any("--show-secrets" in call for call in app.pulumi.calls)


@pytest.mark.usefixtures("app")
def test_kubeconfig_that_does_not_exist_is_reported(monkeypatch: pytest.MonkeyPatch, delivery: Delivery) -> None:
    monkeypatch.setenv("DELIVERY_KUBECONFIG", "/nowhere")

    assert "/nowhere" in delivery("verify", code=3)[1]


def test_no_result_has_its_own_exit_code(app: RunningApp, outputs: Path, delivery: Delivery) -> None:
    app.server.refuses(PODS, HTTPStatus.FORBIDDEN, "pods is forbidden")

    assert "pods is forbidden" in delivery("verify", "--seconds", "60", code=3)[1]
    assert (outputs / "outputs").read_text() == "result=unknown\n"
    assert "### Verification: unknown\n\nThe cluster is unreachable" in (outputs / "page").read_text()
    assert app.pulumi.verified == ""


def test_interrupt_has_no_result(app: RunningApp) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    result = app.verify(None, Clock(interrupt).pacing())

    assert isinstance(result.error, UnverifiedError)
    assert result.error.hint == "python -m delivery verify --stack oke"
    assert app.pulumi.verified == ""


def test_undeployed_stack_has_no_result(app: RunningApp, delivery: Delivery) -> None:
    app.pulumi.has_outputs({})

    assert delivery("verify", code=3)[1].endswith("hint: pulumi up\n")


def test_failure_to_record_fails_nothing(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.pulumi.exits("tagging", 1)

    assert app.verify().state == "passed"
    assert "could not record" in capsys.readouterr().err
