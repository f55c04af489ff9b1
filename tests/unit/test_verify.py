import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.__main__ import main

from . import example
from .api_server import Answer, ApiServer
from .pulumi_command import PulumiCommand, update

NAMESPACE = "/api/v1/namespaces/todo"
DEPLOYMENTS = "/apis/apps/v1/namespaces/todo/deployments"
PODS = f"{NAMESPACE}/pods"
COMPONENTS = "/apis/dapr.io/v1alpha1/namespaces/todo/components"
IMAGES = {"frontend": f"r.example/f@sha256:{'1a' * 32}", "backend": f"r.example/b@sha256:{'1b' * 32}"}
NAMES = {
    "rollout of frontend",
    "rollout of backend",
    "image of frontend",
    "image of backend",
    "Dapr components",
    "Dapr sidecars",
    "GET /",
    "GET /api/health",
}
RUNNING = {"running": {"startedAt": "2026-11-24T02:31:41Z"}}


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api_server: ApiServer) -> PulumiCommand:
    """A stack whose outputs promise what runs, and whose last update is number 1."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    pulumi = PulumiCommand(tmp_path / "engine", monkeypatch)
    promises(pulumi, api_server)
    pulumi.made(update(""))
    runs(api_server, deployments(), pod())
    api_server.has_list(COMPONENTS, {"metadata": {"name": "todo-pubsub"}}, {"metadata": {"name": "todo-state"}})
    api_server.answers["/"] = api_server.answers["/api/health"] = Answer(b"ok")
    return pulumi


def promises(pulumi: PulumiCommand, api_server: ApiServer, **outputs: Any) -> None:
    promised = {
        "namespace": "todo",
        "images": IMAGES,
        "daprComponents": ["todo-pubsub", "todo-state"],
        "url": api_server.url,
        **outputs,
    }
    pulumi.has_outputs(promised, deployerKubeconfig=yaml.safe_dump(example.kubeconfig(api_server.url)))


def runs(api_server: ApiServer, deployments: list[dict[str, Any]], *pods: Mapping[str, Any]) -> None:
    """pods: those of both apps, for the server does not select by label."""
    api_server.has_list(DEPLOYMENTS, *deployments)
    api_server.has_list(PODS, *pods)


def deployments(**status: int) -> list[dict[str, Any]]:
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
    return [
        {
            "metadata": {"name": app, "generation": 2},
            "spec": {"replicas": 1, "selector": {}, "template": {}},
            "status": {"observedGeneration": 2, **counts, **status},
        }
        for app in IMAGES
    ]


def pod(
    *, images: Mapping[str, str] = IMAGES, image_id: str = "sha256:1c", **states: Mapping[str, Any]
) -> dict[str, Any]:
    """A pod with the containers of both apps and the sidecar; states: of those that do not run."""
    containers = {**images, "daprd": "r.example/daprd:1"}
    return {
        "metadata": {"name": "pod-1", "namespace": "todo", "labels": {"app": "backend"}},
        "spec": {"containers": [{"name": name, "image": image} for name, image in containers.items()]},
        "status": {
            "containerStatuses": [
                {
                    "name": name,
                    "image": image,
                    "imageID": image_id,
                    "ready": name not in states,
                    "restartCount": 0,
                    "state": states.get(name, RUNNING),
                }
                for name, image in containers.items()
            ]
        },
    }


def checks(capsys: pytest.CaptureFixture[str], code: int) -> Mapping[str, tuple[str, str]]:
    """What each check of a verification came to: its state and the evidence."""
    capsys.readouterr()
    assert main(["verify", "--seconds", "0", "--json"]) == code
    return {check["name"]: (check["state"], check["evidence"]) for check in json.loads(capsys.readouterr().out)}


def test_what_is_as_promised_passes_and_is_recorded(
    pulumi: PulumiCommand, api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    found = checks(capsys, 0)

    assert found.keys() == NAMES
    assert {state for state, _ in found.values()} == {"passed"}
    assert found["image of backend"][1] == IMAGES["backend"]
    assert found["GET /api/health"][1] == f"200 from {api_server.url}/api/health"
    assert pulumi.verified == "1"
    assert {request.authorization for request in api_server.requests if "/namespaces/" in request.path} == {
        "Bearer canary-token"
    }


def test_a_person_reads_a_line_for_each_check_and_the_job_a_table(
    pulumi: PulumiCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))

    assert main(["verify", "--seconds", "0"]) == 0

    assert "ok     Dapr components      todo-pubsub, todo-state\n" in capsys.readouterr().out
    assert page.read_text().startswith("before\n### Verification\n")
    assert "| Dapr components | ok | todo-pubsub, todo-state |" in page.read_text()
    assert pulumi.verified == "1"


def test_a_rollout_that_does_not_complete_names_its_causes_and_last_words_without_secrets(
    pulumi: PulumiCommand, api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    crashed = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    runs(api_server, deployments(readyReplicas=0), pod(backend=crashed))
    app = {"database-url": "postgresql://todo:canary-password@db.example.com/todo"}
    for name, values in {"app-secrets": app, "kafka-secrets": {"username": "canary-user"}}.items():
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        api_server.has(f"{NAMESPACE}/secrets/{name}", {"metadata": {"name": name}, "data": encoded})
    log = b"cannot reach postgresql://todo:canary-password@db.example.com/todo\nas canary-user with canary-password\n"
    api_server.answers[f"{PODS}/pod-1/log"] = Answer(log, content_type="text/plain")

    found = checks(capsys, 1)

    state, evidence = found["rollout of backend"]
    assert state == "failed"
    assert evidence.splitlines() == [
        "of 1 replicas: 1 updated, 0 ready, 1 available, 1 in all",
        "backend: container backend is in CrashLoopBackOff: back-off",
        "pod-1: cannot reach [secret]",
        "pod-1: as [secret] with [secret]",
    ]
    assert pulumi.verified == ""


def test_each_failed_check_fails_the_command_and_is_named(
    pulumi: PulumiCommand, api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    runs(api_server, [], pod(images={**IMAGES, "frontend": "r.example/f:other"}, daprd={"waiting": {}}))
    api_server.has_list(COMPONENTS, {"metadata": {"name": "todo-state"}})
    api_server.answers["/"] = Answer(b"", HTTPStatus.BAD_GATEWAY)
    del api_server.answers["/api/health"]

    assert {name: told for name, (state, told) in checks(capsys, 1).items() if state == "failed"} == {
        "rollout of frontend": "there is no such deployment",
        "rollout of backend": "there is no such deployment",
        "image of frontend": f"r.example/f:other runs, and not {IMAGES['frontend']}",
        "Dapr components": "todo-pubsub missing",
        "Dapr sidecars": "0 ready in 1 pods of the backend",
        "GET /": f"502 from {api_server.url}/",
        "GET /api/health": f"404 from {api_server.url}/api/health",
    }
    assert pulumi.verified == ""

    assert main(["verify", "--seconds", "0"]) == 1
    assert capsys.readouterr().err == (
        "error: 7 of 8 checks failed: rollout of frontend, rollout of backend, image of frontend, Dapr components, "
        "Dapr sidecars, GET /, GET /api/health\n"
    )


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
@pytest.mark.usefixtures("pulumi")
def test_a_rollout_is_complete_once_only_ready_pods_of_the_new_version_are_left(
    api_server: ApiServer, status: Mapping[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    runs(api_server, deployments(**status), pod())

    assert checks(capsys, 1)["rollout of frontend"][0] == "failed"


def test_simulated_pods_pass_nothing_that_only_a_real_one_can_show(
    pulumi: PulumiCommand, api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    runs(api_server, deployments(), pod(image_id=""))

    found = checks(capsys, 0)

    assert {name for name, (state, _) in found.items() if state == "passed"} == {
        "rollout of frontend",
        "rollout of backend",
        "Dapr components",
    }
    assert {told for state, told in found.values() if state == "not applicable"} == {
        "its pods are simulated: no image is pulled, nothing runs and nothing listens"
    }
    assert pulumi.verified == "1"


@pytest.mark.usefixtures("pulumi")
def test_no_pod_of_another_image_may_run_but_one_that_ends(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pod(images={**IMAGES, "backend": "r.example/b:old"})
    runs(api_server, deployments(), pod(), old)
    state, told = checks(capsys, 1)["image of backend"]
    assert (state, told.partition(" runs")[0]) == ("failed", f"r.example/b:old, {IMAGES['backend']}")

    old["metadata"]["deletionTimestamp"] = "2026-11-24T02:31:41Z"
    runs(api_server, deployments(), pod(), old)
    assert checks(capsys, 0)["image of backend"] == ("passed", IMAGES["backend"])


@pytest.mark.usefixtures("pulumi")
def test_without_a_pod_nothing_runs(api_server: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    runs(api_server, deployments())

    found = checks(capsys, 1)

    assert found["Dapr sidecars"] == ("failed", "0 ready in 0 pods of the backend")
    assert found["image of backend"] == ("failed", f"nothing runs, and not {IMAGES['backend']}")


def test_a_tag_proves_no_image(
    pulumi: PulumiCommand, api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    promises(pulumi, api_server, images={**IMAGES, "backend": "r.example/b:v1"})

    assert checks(capsys, 0)["image of backend"][0] == "not applicable"


def test_it_waits_until_the_deadline_for_what_is_not_there_yet(
    pulumi: PulumiCommand, api_server: ApiServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(api_server, deployments(readyReplicas=0), pod())
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        runs(api_server, deployments(), pod())

    monkeypatch.setattr("delivery.verify.time.sleep", sleep)

    assert main(["verify", "--seconds", "60"]) == 0

    assert "waiting for rollout of frontend: of 1 replicas: 1 updated, 0 ready" in capsys.readouterr().err
    assert len(waits) == 1
    assert pulumi.verified == "1"


def test_an_ingress_without_an_address_is_no_answer(
    pulumi: PulumiCommand, api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    promises(pulumi, api_server, url="")

    assert checks(capsys, 1)["GET /"] == ("failed", "the ingress has no address yet")


@pytest.mark.parametrize("form", ["path", "path that could be base64", "base64", "base64 in lines"])
def test_another_kubeconfig_may_be_named(
    pulumi: PulumiCommand, api_server: ApiServer, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = yaml.safe_dump(example.kubeconfig(api_server.url, user={"token": "canary-other"}))
    monkeypatch.chdir(tmp_path)
    Path("Y29uZmln").write_text(text)
    lines = base64.encodebytes(text.encode()).decode()
    given = {
        "path": str(tmp_path / "Y29uZmln"),
        "path that could be base64": "Y29uZmln",
        "base64": lines.replace("\n", ""),
        "base64 in lines": lines,
    }
    monkeypatch.setenv("KUBECONFIG", given[form])

    assert main(["verify", "--seconds", "0"]) == 0

    assert api_server.requests[0].authorization == "Bearer canary-other"
    assert not any("--show-secrets" in call for call in pulumi.calls)


@pytest.mark.usefixtures("pulumi")
def test_a_kubeconfig_that_leads_nowhere_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")

    assert main(["verify"]) == 1
    assert capsys.readouterr().err == (
        "error: KUBECONFIG leads to no cluster: there is no file /nowhere.\n"
        "    unset KUBECONFIG   for the stack's own\n"
    )


def test_a_cluster_that_does_not_answer_is_no_failed_check(
    pulumi: PulumiCommand, api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    api_server.refuses(PODS, HTTPStatus.FORBIDDEN, "pods is forbidden")

    assert main(["verify", "--seconds", "0"]) == 1
    assert capsys.readouterr().err == "error: The cluster does not answer: pods is forbidden\n"
    assert pulumi.verified == ""


def test_a_stack_that_was_never_brought_up_is_told(pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]) -> None:
    pulumi.has_outputs({})

    assert main(["verify"]) == 1
    assert "nothing was deployed.\n    pulumi up" in capsys.readouterr().err


def test_a_record_that_cannot_be_written_fails_nothing(
    pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.exits("tagging", 1)

    assert main(["verify", "--seconds", "0"]) == 0
    assert "That update was not recorded as verified" in capsys.readouterr().err
