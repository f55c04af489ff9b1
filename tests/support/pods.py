"""Rules for pods: the profile "restricted" of Kubernetes' Pod Security Standards, and the resources that they request.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

Manifest: TypeAlias = Mapping[str, Any]
Bound: TypeAlias = Literal["requests", "limits"]

_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"),
}
_SAFE_SYSCTLS = {
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
_SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_PROFILES = {"RuntimeDefault", "Localhost"}
_UNITS = {"m": 1, "": 1000, "Mi": 1, "Gi": 1024}
_SIDECAR = {"requests": "request", "limits": "limit"}


def violations(spec: Manifest) -> list[str]:
    """Return the fields of a pod's spec that the profile forbids."""
    return [
        *_pod_violations(spec),
        *(field for container in containers(spec) for field in _container_violations(spec, container)),
    ]


def containers(spec: Manifest) -> Iterator[Manifest]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(kind, [])


def quantity(text: str) -> float:
    """Return millicores or MiB."""
    match = re.fullmatch(r"([0-9.]+)(m|Mi|Gi|)", text)
    assert match, text
    return float(match[1]) * _UNITS[match[2]]


def total(pod: Manifest, bound: Bound, resource: str) -> float:
    """Return what the containers of a pod take together, with the sidecar that Dapr injects, in quantity's units."""
    own = sum(quantity(container["resources"][bound][resource]) for container in pod["spec"]["containers"])
    sidecar = pod["metadata"].get("annotations", {}).get(f"dapr.io/sidecar-{resource}-{_SIDECAR[bound]}")
    return own + (quantity(sidecar) if sidecar else 0)


def _pod_violations(spec: Manifest) -> Iterator[str]:
    context = spec.get("securityContext", {})
    for namespace in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(namespace):
            yield namespace
    for volume in spec.get("volumes", []):
        if not set(volume) - {"name"} <= _VOLUMES:
            yield "volume type"
    for sysctl in context.get("sysctls", []):
        if sysctl["name"] not in _SAFE_SYSCTLS:
            yield "sysctl"
    yield from _context_violations(context)


def _container_violations(spec: Manifest, container: Manifest) -> Iterator[str]:
    own: Manifest = container.get("securityContext", {})
    context: Manifest = {**spec.get("securityContext", {}), **own}
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
    if context.get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    if context.get("seccompProfile", {}).get("type") not in _PROFILES:
        yield "seccompProfile"
    probes = [container.get(name) or {} for name in ("livenessProbe", "readinessProbe", "startupProbe")]
    for handler in [*probes, *(container.get("lifecycle") or {}).values()]:
        if any(handler.get(action, {}).get("host") for action in ("httpGet", "tcpSocket")):
            yield "probe host"
    yield from _context_violations(own)


def _context_violations(context: Manifest) -> Iterator[str]:
    if context.get("runAsUser") == 0:
        yield "runAsUser"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type", "") not in _SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in _PROFILES:
        yield "appArmorProfile"
