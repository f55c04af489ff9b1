"""The profile "restricted" of Kubernetes' Pod Security Standards.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import helm

ALLOWED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}


def violations(spec: helm.Manifest) -> list[str]:
    return [
        *pod_violations(spec),
        *(found for container in containers(spec) for found in container_violations(spec, container)),
    ]


def containers(spec: helm.Manifest) -> Iterator[helm.Manifest]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(kind, [])


def pod_violations(spec: helm.Manifest) -> Iterator[str]:
    context = spec.get("securityContext", {})
    for namespace in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(namespace):
            yield namespace
    for volume in spec.get("volumes", []):
        if not set(volume) - {"name"} <= ALLOWED_VOLUMES:
            yield "volume type"
    for sysctl in context.get("sysctls", []):
        if sysctl["name"] not in SAFE_SYSCTLS:
            yield "sysctl"
    yield from context_violations(context)


def container_violations(spec: helm.Manifest, container: helm.Manifest) -> Iterator[str]:
    pod: helm.Manifest = spec.get("securityContext", {})
    own: helm.Manifest = container.get("securityContext", {})
    capabilities = own.get("capabilities", {})
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if "ALL" not in capabilities.get("drop", []) or not set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"}:
        yield "capabilities"
    if own.get("procMount", "Default") != "Default":
        yield "procMount"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "hostPort"
    if {**pod, **own}.get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    if {**pod, **own}.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "seccompProfile"
    probes = [container.get(name, {}) for name in ("livenessProbe", "readinessProbe", "startupProbe")]
    for handler in [*probes, *container.get("lifecycle", {}).values()]:
        if any(handler.get(action, {}).get("host") for action in ("httpGet", "tcpSocket")):
            yield "probe host"
    yield from context_violations(own)


def context_violations(context: helm.Manifest) -> Iterator[str]:
    if context.get("runAsUser") == 0:
        yield "runAsUser"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type", "") not in {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}:
        yield "seLinuxOptions"
    if selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in {"RuntimeDefault", "Localhost"}:
        yield "appArmorProfile"


def test_every_pod_is_restricted(full_release: helm.Release) -> None:
    found = {name: violations(pod["spec"]) for name, pod in full_release.pods().items()}
    assert found == {
        "frontend": [],
        "backend": [],
        "todo-app-migrations": [],
        "todo-app-smoke-test-frontend": [],
        "todo-app-smoke-test-backend": [],
    }


def test_no_root_file_system_can_be_written(full_release: helm.Release) -> None:
    for pod in full_release.pods().values():
        for container in containers(pod["spec"]):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_every_pod_runs_as_the_same_unprivileged_user(full_release: helm.Release) -> None:
    for pod in full_release.pods().values():
        context = pod["spec"]["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"]) == (10001, 10001)
        assert "runAsUser" not in pod["spec"]["containers"][0]["securityContext"]


def test_the_backend_stays_restricted_with_its_sidecar(release: helm.Release) -> None:
    # What Dapr's injector adds when its sidecarDropALLCapabilities is on; the rest comes from the pod.
    sidecar = {
        "name": "daprd",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        },
    }
    spec = copy.deepcopy(release.pods()["backend"]["spec"])
    spec["containers"].append(sidecar)
    assert violations(spec) == []


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("hostNetwork", True, "hostNetwork"),
        ("hostPID", True, "hostPID"),
        ("hostIPC", True, "hostIPC"),
        ("volumes", [{"name": "host", "hostPath": {"path": "/"}}], "volume type"),
        ("securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}], "sysctl"),
        ("securityContext.runAsUser", 0, "runAsUser"),
        ("securityContext.runAsNonRoot", False, "runAsNonRoot"),
        ("securityContext.seccompProfile", {"type": "Unconfined"}, "seccompProfile"),
        ("securityContext.windowsOptions", {"hostProcess": True}, "hostProcess"),
        ("securityContext.seLinuxOptions", {"type": "spc_t"}, "seLinuxOptions"),
        ("securityContext.seLinuxOptions", {"user": "root"}, "seLinuxOptions"),
        ("securityContext.appArmorProfile", {"type": "Unconfined"}, "appArmorProfile"),
        ("container.ports", [{"containerPort": 80, "hostPort": 80}], "hostPort"),
        ("container.livenessProbe", {"httpGet": {"host": "10.0.0.1", "port": 80}}, "probe host"),
        ("container.securityContext.privileged", True, "privileged"),
        ("container.securityContext.allowPrivilegeEscalation", None, "allowPrivilegeEscalation"),
        ("container.securityContext.capabilities", {"drop": ["NET_RAW"]}, "capabilities"),
        ("container.securityContext.capabilities", {"drop": ["ALL"], "add": ["SYS_PTRACE"]}, "capabilities"),
        ("container.securityContext.procMount", "Unmasked", "procMount"),
        ("container.securityContext.runAsNonRoot", False, "runAsNonRoot"),
        ("container.securityContext.runAsUser", 0, "runAsUser"),
        ("initContainers", [{"name": "bare"}], "allowPrivilegeEscalation"),
    ],
)
def test_the_checker_finds_what_the_profile_forbids(path: str, value: Any, found: str) -> None:
    spec = copy.deepcopy(helm.template("oke").pods()["backend"]["spec"])
    *parents, field = path.split(".")
    target = spec
    for parent in parents:
        target = target["containers"][0] if parent == "container" else target.setdefault(parent, {})
    target[field] = value
    assert found in violations(spec)
