"""Checks that the app's deployments are complete, and run the images in the stack's outputs."""

from collections.abc import Sequence

from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from delivery.report import Check
from delivery.verify.snapshot import SIMULATED, is_simulated
from kube.objects import containers
from kube.rollout.issues import find_issues
from kube.rollout.snapshot import Snapshot


def check_name(app: str) -> str:
    return f"rollout of {app}"


def check_rollout(app: str, deployment: Deployment | None, pods: Sequence[Pod]) -> Check:
    """Check that only ready pods of the newest version are left."""
    name = check_name(app)
    if deployment is None or not deployment.spec or not deployment.status or not deployment.metadata:
        return Check(name, "failed", "there is no such deployment")
    status, replicas = deployment.status, deployment.spec.replicas
    counts = {
        "updated": status.updatedReplicas or 0,
        "ready": status.readyReplicas or 0,
        "available": status.availableReplicas or 0,
        "in all": status.replicas or 0,
    }
    observed = status.observedGeneration == deployment.metadata.generation
    evidence = f"of {replicas} replicas: {', '.join(f'{count} {what}' for what, count in counts.items())}"
    if observed and set(counts.values()) == {replicas}:
        return Check(name, "passed", evidence)
    issues = find_issues(Snapshot([deployment], pods))
    return Check(name, "failed", evidence, [*dict.fromkeys(issue.sentence for issue in issues)])


def check_image(app: str, expected: str, pods: Sequence[Pod]) -> Check:
    """Check that every pod runs the image in the stack's outputs."""
    name = f"image of {app}"
    if any(map(is_simulated, pods)):
        return Check(name, "not applicable", SIMULATED)
    if "@sha256:" not in expected:
        return Check(name, "not applicable", f"{expected} has a tag and no digest, so it can be any image")
    # The kubelet verifies the digest that it pulls; the image ID that it reports is the index's or the platform's.
    running = sorted({item.image or "" for pod in pods for item in containers(pod) if item.name == app})
    if running == [expected]:
        return Check(name, "passed", expected)
    return Check(name, "failed", f"running {', '.join(running) or 'nothing'}, expected {expected}")
