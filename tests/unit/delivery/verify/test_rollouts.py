import pytest

from tests.support.running_app import IMAGES, RunningApp, deployments, pod

OLD = {**IMAGES, "backend": "r.example/b:old"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("observedGeneration", 1),
        ("replicas", 2),
        *((field, 0) for field in ("updatedReplicas", "readyReplicas", "availableReplicas")),
    ],
)
def test_incomplete_rollout_fails(app: RunningApp, field: str, value: int) -> None:
    app.runs(deployments(**{field: value}), pod())

    assert app.check("rollout of frontend").state == "failed"


def test_issues_of_pods_are_the_causes(app: RunningApp) -> None:
    app.runs(deployments(readyReplicas=0), pod(backend={"waiting": {"reason": "CrashLoopBackOff", "message": "5 s"}}))

    check = app.check("rollout of backend")

    assert check.evidence == "of 1 replicas: 1 updated, 0 ready, 1 available, 1 in all"
    assert any("CrashLoopBackOff" in cause for cause in check.causes)


def test_every_running_pod_must_have_the_image(app: RunningApp) -> None:
    old = pod(images=OLD)
    app.runs(deployments(), pod(), old)
    check = app.check("image of backend")
    assert check.state == "failed"
    assert OLD["backend"] in check.evidence

    old["metadata"]["deletionTimestamp"] = "2026-11-24T02:31:41Z"
    app.runs(deployments(), pod(), old)
    assert app.check("image of backend").state == "passed"


def test_evicted_pod_fails_nothing(app: RunningApp) -> None:
    evicted = pod(images=OLD, daprd={"terminated": {"exitCode": 137}})
    evicted["metadata"]["uid"] = "evicted"
    evicted["status"] |= {"phase": "Failed", "reason": "Evicted"}
    app.runs(deployments(), pod(), evicted)

    assert app.verify().state == "passed"


def test_app_without_pods_fails(app: RunningApp) -> None:
    app.runs(deployments())

    checks = app.checks()

    assert {"Dapr sidecars", "Dapr components", "image of backend"} <= {
        name for name, check in checks.items() if check.state == "failed"
    }


def test_image_with_a_tag_is_not_checked(app: RunningApp) -> None:
    app.promises(images={**IMAGES, "backend": "r.example/b:v1"})

    assert app.check("image of backend").state == "not applicable"
