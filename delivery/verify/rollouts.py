"""Whether the app's deployments are complete, and of the images that the stack's outputs name."""

from collections.abc import Sequence

from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from delivery.report import Check
from delivery.verify.snapshot import SIMULATED, is_simulated
from kube.objects import containers
from kube.rollout.issues import find_issues
from kube.rollout.snapshot import Snapshot


def rollout(app: str, deployment: Deployment | None, pods: Sequence[Pod]) -> Check:
    """Whether only ready pods of the newest version are left."""
    name = rollout_of(app)
    if deployment is None or not deployment.spec or not deployment.status or not deployment.metadata:
        return Check(name, "failed", "there is no such deployment")
    status, replicas = deployment.status, deployment.spec.replicas
    counts = {
        "updated": status.updatedReplicas or 0,
        "ready": status.readyReplicas or 0,
        "available": status.availableReplicas or 0,
        "in all": status.replicas or 0,
    }
    seen = status.observedGeneration == deployment.metadata.generation
    told = f"of {replicas} replicas: {', '.join(f'{count} {what}' for what, count in counts.items())}"
    if seen and set(counts.values()) == {replicas}:
        return Check(name, "passed", told)
    issues = find_issues(Snapshot([deployment], pods))
    return Check(name, "failed", told, [*dict.fromkeys(issue.sentence for issue in issues)])


def rollout_of(app: str) -> str:
    """The name of the check."""
    return f"rollout of {app}"


def image(app: str, wanted: str, pods: Sequence[Pod]) -> Check:
    """Whether every pod runs the image that the stack's outputs name."""
    name = f"image of {app}"
    if any(map(is_simulated, pods)):
        return Check(name, "not applicable", SIMULATED)
    if "@sha256:" not in wanted:
        return Check(name, "not applicable", f"{wanted} is a tag, which may be any image: name a digest")
    running = sorted({container.image or "" for pod in pods for container in containers(pod) if container.name == app})
    # The kubelet checks what it pulls by digest; the ID that it reports is the index's or the platform's.
    if running == [wanted]:
        return Check(name, "passed", wanted)
    return Check(name, "failed", f"{', '.join(running) or 'nothing'} runs, and not {wanted}")
