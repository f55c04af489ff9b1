"""The free tier has 2 OCPU (an ARM OCPU is one core) and 12 GB on all nodes together.

Half of it is for Kubernetes, the Dapr control plane and the ingress controller.
"""

from tests.support import helm
from tests.support.pods import Bound, total

CORES = 2 * 1000
MEMORY = 12 * 1024


def peak(bound: Bound, resource: str) -> float:
    """Return the total with the most pods of every autoscaler, a surge pod each, migrations and smoke test."""
    release = helm.template("oke", helm.EVERY_OPTION)
    sum_ = 0.0
    for name, pod in release.pods().items():
        pods = 1
        if deployment := release.kind("Deployment").get(name):
            pods = release.kind("HorizontalPodAutoscaler")[name]["spec"]["maxReplicas"]
            pods += deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        sum_ += pods * total(pod, bound, resource)
    return sum_


def test_the_release_fits_half_of_the_free_tier() -> None:
    assert peak("requests", "cpu") <= CORES / 2
    assert peak("requests", "memory") <= peak("limits", "memory") <= MEMORY / 2


def test_every_container_has_requests_below_its_limits(full_release: helm.Release) -> None:
    for pod in full_release.pods().values():
        for resource in ("cpu", "memory"):
            assert 0 < total(pod, "requests", resource) <= total(pod, "limits", resource)


def test_replicas_are_within_the_range_of_the_autoscaler() -> None:
    scalers = helm.template("oke", helm.EVERY_OPTION).kind("HorizontalPodAutoscaler")
    for name, deployment in helm.template("oke").kind("Deployment").items():
        scaling = scalers[name]["spec"]
        assert scaling["minReplicas"] <= deployment["spec"]["replicas"] <= scaling["maxReplicas"]
