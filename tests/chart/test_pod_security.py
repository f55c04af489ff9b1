import copy
from typing import Any

import pytest

from tests.support import helm
from tests.support.pods import containers, violations


def test_every_pod_is_restricted(full_release: helm.Release) -> None:
    assert [found for pod in full_release.pods().values() for found in violations(pod["spec"])] == []


def test_root_filesystems_are_read_only(full_release: helm.Release) -> None:
    for pod in full_release.pods().values():
        for container in containers(pod["spec"]):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_pods_write_only_to_a_limited_tmp(full_release: helm.Release) -> None:
    for pod in full_release.pods().values():
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        for container in containers(pod["spec"]):
            for mount in container.get("volumeMounts", []):
                assert mount["mountPath"] == "/tmp"  # noqa: S108 (in the container)
                assert volumes[mount["name"]]["emptyDir"]["sizeLimit"]


def test_all_pods_run_as_one_user(full_release: helm.Release) -> None:
    """The images are built for it: tests/images."""
    contexts = [pod["spec"]["securityContext"] for pod in full_release.pods().values()]

    assert {(context["runAsUser"], context["runAsGroup"]) for context in contexts} == {(10001, 10001)}
    for pod in full_release.pods().values():
        assert not any("runAsUser" in container["securityContext"] for container in containers(pod["spec"]))


def test_pods_see_only_their_own_variables(full_release: helm.Release) -> None:
    assert not any(pod["spec"]["enableServiceLinks"] for pod in full_release.pods().values())


def test_the_backend_stays_restricted_with_its_sidecar(release: helm.Release) -> None:
    # As Dapr's injector adds it with sidecarDropALLCapabilities; the rest comes from the pod.
    sidecar = {
        "name": "daprd",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        },
    }
    spec = release.pods()["backend"]["spec"]

    assert violations({**spec, "containers": [*spec["containers"], sidecar]}) == []


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("hostNetwork", True, "hostNetwork"),
        ("volumes", [{"name": "host", "hostPath": {"path": "/"}}], "volume type"),
        ("securityContext.runAsUser", 0, "runAsUser"),
        ("securityContext.seccompProfile", {"type": "Unconfined"}, "seccompProfile"),
        ("container.ports", [{"containerPort": 80, "hostPort": 80}], "hostPort"),
        ("container.securityContext.privileged", True, "privileged"),
        ("container.securityContext.capabilities", {"drop": ["NET_RAW"]}, "capabilities"),
        ("container.securityContext.runAsNonRoot", False, "runAsNonRoot"),
        ("initContainers", [{"name": "bare"}], "allowPrivilegeEscalation"),
    ],
)
def test_the_checker_finds_what_the_profile_forbids(path: str, value: Any, found: str) -> None:
    spec = copy.deepcopy(helm.template("oke").pods()["backend"]["spec"])
    *parents, field = path.split(".")
    target = spec
    for parent in parents:
        target = target["containers"][0] if parent == "container" else target[parent]
    target[field] = value

    assert found in violations(spec)
