import pytest

from tests.support.running_app import BEGINS, LOADED, LOG, RUNNING, RunningApp, daprd_log, deployments, pod

PUBSUB, STATE = LOADED
CRASHED = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}


def test_loaded_components_are_read_from_the_log(app: RunningApp) -> None:
    found = app.check("Dapr components")

    assert found.evidence == "todo-pubsub, todo-state loaded by 1 sidecar"
    asked = [request.query for request in app.server.requests if request.path == LOG]
    assert asked == [{"container": "daprd", "limitBytes": "262144"}]


def test_ready_sidecar_without_a_component_fails(app: RunningApp) -> None:
    app.writes(daprd_log(BEGINS, STATE, "dapr initialized. Status: Running."), container="daprd")

    found = app.checks()

    assert found["Dapr sidecars"].state == "passed"
    assert found["Dapr components"].state == "failed"
    assert found["Dapr components"].evidence == "pod-1: todo-pubsub not loaded"


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (
            "Failed to init component todo-pubsub (pubsub.kafka/v1): kafka: client has run out of brokers\nto talk to",
            "todo-pubsub failed to load: kafka: client has run out of brokers to talk to",
        ),
        (
            "Ignoring error processing component: process component todo-pubsub error: incorrect type pubsub",
            "todo-pubsub failed to load: incorrect type pubsub",
        ),
        (
            "Fatal error from runtime: failed to load components: rpc error: code = Unknown desc = not found",
            "components failed to load: rpc error: code = Unknown desc = not found",
        ),
    ],
)
@pytest.mark.parametrize("previous", [False, True])
def test_error_of_a_component_is_reported_once(app: RunningApp, message: str, cause: str, *, previous: bool) -> None:
    """Before and after the sidecar, which exits then, is started again."""
    app.runs(deployments(readyReplicas=0), pod(daprd=RUNNING if previous else CRASHED, restarts=3))
    app.writes(daprd_log(BEGINS), container="daprd")
    again = {
        "todo-pubsub": "Error processing component: process component todo-pubsub error: once more",
        "components": "Fatal error from runtime: failed to load components: once more",
    }[cause.partition(" ")[0]]
    app.writes(daprd_log(BEGINS, STATE, message, again), container="daprd", previous=previous)

    assert [line for line in app.check("Dapr components").causes if "failed to load" in line] == [f"pod-1: {cause}"]


def test_error_of_a_component_is_redacted(app: RunningApp) -> None:
    app.has_secrets({}, kafka_secrets={"password": "canary-password"})
    app.runs(deployments(readyReplicas=0), pod(daprd=CRASHED, restarts=3))
    failed = "Failed to init component todo-pubsub (pubsub.kafka/v1): no user has canary-password"
    app.writes(daprd_log(BEGINS, failed), container="daprd")

    assert app.check("Dapr components").causes == ["pod-1: todo-pubsub failed to load: no user has [secret]"]


@pytest.mark.parametrize("log", [daprd_log(STATE, "something else"), "", "panic: not JSON\n7\n"])
def test_readiness_suffices_where_the_log_lacks_its_start(app: RunningApp, log: str) -> None:
    app.writes(log, container="daprd")

    evidence = app.check("Dapr components").evidence
    assert "todo-pubsub, todo-state loaded by 1 sidecar; pod-1: the sidecar's log lacks its start" in evidence
    assert "todo-pubsub" in evidence.partition("so ")[2]
    assert ("todo-state" in evidence.partition("so ")[2]) == (STATE not in log)

    app.runs(deployments(), pod(daprd=RUNNING))
    assert app.check("Dapr components").state == "failed"


def test_readiness_suffices_where_the_log_cannot_be_read(app: RunningApp) -> None:
    del app.server.answers[f"{LOG}?container=daprd"]

    assert "log cannot be read" in app.check("Dapr components").evidence


def test_every_sidecar_must_load_every_component(app: RunningApp) -> None:
    second = pod()
    second["metadata"] |= {"name": "pod-2", "uid": "2d"}
    path = LOG.replace("pod-1", "pod-2")
    app.runs(deployments(), pod(), second)
    first = app.server.answers[f"{LOG}?container=daprd"]
    app.server.answers[f"{path}?container=daprd"] = first
    assert app.check("Dapr components").evidence == "todo-pubsub, todo-state loaded by 2 sidecars"

    app.writes(daprd_log(BEGINS), container="daprd")
    assert app.check("Dapr components").evidence == "pod-1: todo-pubsub, todo-state not loaded"


def test_components_without_definitions_are_missing(app: RunningApp) -> None:
    del app.server.answers["/apis/dapr.io/v1alpha1/namespaces/todo/components"]

    assert app.check("Dapr components").evidence == "todo-pubsub, todo-state missing"


def test_app_without_dapr_is_not_checked(app: RunningApp) -> None:
    alone = pod()
    del alone["metadata"]["annotations"]
    app.runs(deployments(), alone)

    found = app.checks()
    for name in ("Dapr components", "Dapr sidecars"):
        assert found[name].state == "not applicable"
        assert "dapr.enabled" in found[name].evidence
