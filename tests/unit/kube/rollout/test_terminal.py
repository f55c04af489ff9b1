import pytest

from kube.rollout import terminal
from kube.rollout.terminal import GRACE, PERSISTENT_AFTER


@pytest.mark.parametrize(
    "message",
    [
        # containerd
        'rpc error: code = NotFound desc = failed to resolve reference "ghcr.io/a/b:c": ghcr.io/a/b:c: not found',
        'failed to pull and unpack image "a": no match for platform in manifest: not found',
        "failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token: 403 Forbidden",
        "pull access denied, repository does not exist or may require authorization",
        # CRI-O, the runtime of OKE's nodes
        "reading manifest sha-1 in ghcr.io/a/b: manifest unknown",
        "unable to retrieve auth token: invalid username/password: unauthorized",
        "reading manifest a in docker.io/a/b: requested access to the resource is denied",
        'Back-off pulling image "a": ErrImagePull: no image found in image index for architecture "arm64"',
    ],
)
def test_image_that_the_registry_refuses_is_terminal(message: str) -> None:
    assert terminal.waiting_container("ImagePullBackOff", message) == ("image", PERSISTENT_AFTER)


@pytest.mark.parametrize(
    "message",
    [
        'Back-off pulling image "ghcr.io/a/b:c"',
        'failed to do request: Head "https://ghcr.io/v2/": dial tcp: lookup ghcr.io: no such host',
        "dial tcp: lookup ghcr.io on 10.96.5.5:53: read udp: i/o timeout: name not found",
        'Get "https://ghcr.io/v2/": context deadline exceeded: image not found in cache',
        "dial tcp 140.82.121.33:443: connect: connection refused",
        "read tcp: connection reset by peer: not found",
        "net/http: TLS handshake timeout",
        "unexpected status from HEAD request to https://ghcr.io/v2/: 503 Service Unavailable: not found",
        "received unexpected HTTP status: 500 Internal Server Error: not found",
        "denied: toomanyrequests: You have reached your pull rate limit",
        "unexpected status code 429: denied",
        "unexpected EOF: not found",
    ],
)
def test_registry_or_network_failure_is_retriable(message: str) -> None:
    assert terminal.waiting_container("ErrImagePull", message) == ("image", None)


@pytest.mark.parametrize(
    ("reason", "message", "after"),
    [
        ("CreateContainerConfigError", 'secret "app-secrets" not found', PERSISTENT_AFTER),
        ("CreateContainerConfigError", "failed to sync secret cache: timed out waiting", None),
        ("CreateContainerError", 'container name "a" is reserved for "b"', None),
        ("RunContainerError", "exec: no such file", PERSISTENT_AFTER),
        ("ImageInspectError", "no answer", None),
    ],
)
def test_container_that_cannot_be_created_is_terminal_unless_its_runtime_is_busy(
    reason: str, message: str, after: float | None
) -> None:
    assert terminal.waiting_container(reason, message) == ("create", after)


@pytest.mark.parametrize("reason", ["InvalidImageName", "ErrImageNeverPull"])
def test_image_that_is_never_pulled_is_terminal(reason: str) -> None:
    assert terminal.waiting_container(reason, "") == ("image", GRACE)


@pytest.mark.parametrize(("restarts", "after"), [(0, None), (1, None), (2, GRACE), (9, GRACE)])
def test_repeated_crash_is_terminal(restarts: int, after: float | None) -> None:
    assert terminal.crash(restarts) == after


@pytest.mark.parametrize(
    ("message", "after"),
    [
        ('pods "backend-7d9f" is forbidden: exceeded quota: free', PERSISTENT_AFTER),
        ('pods "a" is forbidden: violates PodSecurity "restricted:latest"', PERSISTENT_AFTER),
        ('admission webhook "policy" denied the request: no', PERSISTENT_AFTER),
        ('failed calling webhook "policy": no endpoints available for service "policy"', None),
        ('failed calling webhook "policy": context deadline exceeded', None),
    ],
)
def test_forbidden_pod_is_terminal_unless_a_webhook_is_unavailable(message: str, after: float | None) -> None:
    assert terminal.pod_creation(message) == after


TAINTED = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s)."
TOO_SMALL = "0/2 nodes are available: 2 Insufficient memory."


@pytest.mark.parametrize(
    ("message", "taints", "after"),
    [
        (TOO_SMALL, [], PERSISTENT_AFTER),
        (TOO_SMALL, None, PERSISTENT_AFTER),
        (TOO_SMALL, ["node.kubernetes.io/not-ready"], PERSISTENT_AFTER),
        ("0/2 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable.", [], None),
        ("no nodes available to schedule pods", [], None),
        (TAINTED, ["example.com/gpu"], PERSISTENT_AFTER),
        (TAINTED, ["example.com/gpu", "node.kubernetes.io/not-ready"], None),
        (TAINTED, ["node.cloudprovider.kubernetes.io/uninitialized"], None),
        (TAINTED, None, None),
    ],
)
def test_full_nodes_are_terminal_unless_another_node_may_come(
    message: str, taints: list[str] | None, after: float | None
) -> None:
    assert terminal.scheduling(message, taints) == after
