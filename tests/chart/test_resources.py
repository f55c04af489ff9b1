"""The free tier has 2 OCPU (an ARM OCPU is one core) and 12 GB on all nodes together.

Half of it is kept for everything that is not this release: Kubernetes, the Dapr control plane, the ingress controller.
"""

import re

from tests.support import helm

CORES = 2 * 1000
MEMORY = 12 * 1024

UNITS = {"m": 1, "": 1000, "Mi": 1, "Gi": 1024}
SIDECAR = {"requests": "request", "limits": "limit"}


def quantity(text: str) -> float:
    """Millicores or MiB."""
    match = re.fullmatch(r"([0-9.]+)(m|Mi|Gi|)", text)
    assert match, text
    return float(match[1]) * UNITS[match[2]]


def pod_total(pod: helm.Manifest, bound: str, resource: str) -> float:
    total = sum(quantity(container["resources"][bound][resource]) for container in pod["spec"]["containers"])
    sidecar = pod["metadata"].get("annotations", {}).get(f"dapr.io/sidecar-{resource}-{SIDECAR[bound]}")
    return total + (quantity(sidecar) if sidecar else 0)


def peak(bound: str, resource: str) -> float:
    """At the worst moment: all pods that an autoscaler may ask for, a surge pod each, migrations and smoke test."""
    release = helm.template("oke", helm.EVERY_OPTION)
    total = 0.0
    for name, pod in release.pods().items():
        deployment = release.kind("Deployment").get(name)
        count = 1
        if deployment:
            count = release.kind("HorizontalPodAutoscaler")[name]["spec"]["maxReplicas"]
            count += deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        total += count * pod_total(pod, bound, resource)
    return total


def test_requests_take_at_most_half_of_the_free_tier() -> None:
    assert peak("requests", "cpu") <= CORES / 2
    assert peak("requests", "memory") <= MEMORY / 2


def test_memory_is_not_overcommitted() -> None:
    assert peak("limits", "memory") <= MEMORY / 2


def test_every_container_has_requests_below_its_limits(full_release: helm.Release) -> None:
    for pod in full_release.pods().values():
        for resource in ("cpu", "memory"):
            assert 0 < pod_total(pod, "requests", resource) <= pod_total(pod, "limits", resource)


def test_the_fixed_number_of_replicas_is_within_the_autoscalers_range() -> None:
    for name, deployment in helm.template("oke").kind("Deployment").items():
        scaling = helm.template("oke", helm.EVERY_OPTION).kind("HorizontalPodAutoscaler")[name]["spec"]
        assert scaling["minReplicas"] <= deployment["spec"]["replicas"] <= scaling["maxReplicas"]
