import pytest

from tests.support.running_app import BEGINS, LOADED, LOG, RUNNING, RunningApp, checks, daprd_log, deployments, pod

PUBSUB, STATE = LOADED
FAILED = (
    "Failed to init component todo-pubsub (pubsub.kafka/v1): [INIT_COMPONENT_FAILURE]: initialization error occurred "
    "for todo-pubsub (pubsub.kafka/v1): kafka: client has run out of available brokers\nto talk to"
)
CRASHED = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}


def test_what_the_sidecars_loaded_is_told_by_their_logs(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    found = checks(capsys, 0)["Dapr components"]

    assert found["evidence"] == "todo-pubsub, todo-state loaded by 1 sidecar"
    asked = [request.query for request in app.server.requests if request.path == LOG]
    assert asked == [{"container": "daprd", "limitBytes": "262144"}]


def test_a_sidecar_that_is_ready_without_a_component_fails(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.writes(daprd_log(BEGINS, STATE, "dapr initialized. Status: Running."), container="daprd")

    found = checks(capsys, 1)

    assert found["Dapr sidecars"]["state"] == "passed"
    assert found["Dapr components"]["state"] == "failed"
    assert found["Dapr components"]["evidence"] == "pod-1: todo-pubsub not loaded"


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (
            FAILED,
            "todo-pubsub does not load: [INIT_COMPONENT_FAILURE]: initialization error occurred for todo-pubsub "
            "(pubsub.kafka/v1): kafka: client has run out of available brokers to talk to",
        ),
        (
            "Ignoring error processing component: process component todo-pubsub error: incorrect type pubsub",
            "todo-pubsub does not load: incorrect type pubsub",
        ),
        (
            "Fatal error from runtime: failed to load components: rpc error: code = Unknown desc = not found",
            "components does not load: rpc error: code = Unknown desc = not found",
        ),
    ],
)
@pytest.mark.parametrize("previous", [False, True])
def test_a_component_that_does_not_load_gives_its_error_once(
    app: RunningApp, message: str, cause: str, *, previous: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before and after the sidecar, which exits then, is started again."""
    app.runs(deployments(readyReplicas=0), pod(daprd=RUNNING if previous else CRASHED, restarts=3))
    app.writes(daprd_log(BEGINS), container="daprd")
    again = {
        "todo-pubsub": "Error processing component: process component todo-pubsub error: once more",
        "components": "Fatal error from runtime: failed to load components: once more",
    }[cause.partition(" ")[0]]
    app.writes(daprd_log(BEGINS, STATE, message, again), container="daprd", previous=previous)

    assert [line for line in checks(capsys, 1)["Dapr components"]["causes"] if "does not load" in line] == [
        f"pod-1: {cause}"
    ]


def test_the_error_of_a_component_has_no_secret(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.has_secrets({}, kafka_secrets={"password": "canary-password"})
    app.runs(deployments(readyReplicas=0), pod(daprd=CRASHED, restarts=3))
    failed = "Failed to init component todo-pubsub (pubsub.kafka/v1): no user has canary-password"
    app.writes(daprd_log(BEGINS, failed), container="daprd")

    assert checks(capsys, 1)["Dapr components"]["causes"] == ["pod-1: todo-pubsub does not load: no user has [secret]"]


@pytest.mark.parametrize("log", [daprd_log(STATE, "something else"), "", "panic: not JSON\n7\n"])
def test_where_a_log_has_no_start_a_ready_sidecar_is_believed(
    app: RunningApp, log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app.writes(log, container="daprd")

    evidence = checks(capsys, 0)["Dapr components"]["evidence"]
    assert "todo-pubsub, todo-state loaded by 1 sidecar; pod-1: its sidecar's log has no start" in evidence
    assert "todo-pubsub" in evidence.partition("so ")[2]
    assert ("todo-state" in evidence.partition("so ")[2]) == (STATE not in log)

    app.runs(deployments(), pod(daprd=RUNNING))
    assert checks(capsys, 1)["Dapr components"]["state"] == "failed"


def test_a_log_that_cannot_be_read_takes_no_good_release_back_and_is_told(
    app: RunningApp, capsys: pytest.CaptureFixture[str]
) -> None:
    del app.server.answers[f"{LOG}?container=daprd"]

    assert "its sidecar's log cannot be read, so todo-pubsub" in checks(capsys, 0)["Dapr components"]["evidence"]


def test_every_sidecar_is_to_have_loaded_them(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    second = pod()
    second["metadata"] |= {"name": "pod-2", "uid": "2d"}
    path = LOG.replace("pod-1", "pod-2")
    app.runs(deployments(), pod(), second)
    first = app.server.answers[f"{LOG}?container=daprd"]
    app.server.answers[f"{path}?container=daprd"] = first
    assert checks(capsys, 0)["Dapr components"]["evidence"] == "todo-pubsub, todo-state loaded by 2 sidecars"

    app.writes(daprd_log(BEGINS), container="daprd")
    assert checks(capsys, 1)["Dapr components"]["evidence"] == "pod-1: todo-pubsub, todo-state not loaded"


def test_without_the_definitions_there_is_no_component(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    del app.server.answers["/apis/dapr.io/v1alpha1/namespaces/todo/components"]

    assert checks(capsys, 1)["Dapr components"]["evidence"] == "todo-pubsub, todo-state missing"


def test_an_app_without_dapr_has_no_sidecar_to_judge(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    alone = pod()
    del alone["metadata"]["annotations"]
    app.runs(deployments(), alone)

    found = checks(capsys, 0)
    for name in ("Dapr components", "Dapr sidecars"):
        assert found[name]["state"] == "not applicable"
        assert "dapr.enabled" in found[name]["evidence"]


def test_what_is_simulated_names_what_was_not_seen(app: RunningApp, capsys: pytest.CaptureFixture[str]) -> None:
    app.runs(deployments(), pod(image_id=""))

    found = checks(capsys, 0)["Dapr components"]
    assert found["state"] == "not applicable"
    assert found["evidence"].endswith("and no sidecar loads todo-pubsub, todo-state")
