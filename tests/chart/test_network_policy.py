import ipaddress
from collections.abc import Iterator

import pytest

from tests.support import helm

DNS = {("dns", "UDP/53"), ("dns", "TCP/53")}
SIDECARS = "TCP/50002"  # where sidecars call each other
SMOKE_TESTS = {"todo-app-smoke-test-frontend", "todo-app-smoke-test-backend"}

# Pods that others may have in the same namespace.
NEIGHBOURS: tuple[dict[str, str], ...] = (
    {},
    {"app": "frontend"},
    {"app": "backend"},
    {"app": "backend", "app.kubernetes.io/name": "todo-app", "app.kubernetes.io/instance": "todo-app-2"},
    # Answers Let's Encrypt on its port 8089: https://cert-manager.io/docs/configuration/acme/http01/
    {"acme.cert-manager.io/http01-solver": "true"},
)


def selects(selector: helm.Manifest, labels: dict[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}, "this test reads matchLabels only"
    return selector.get("matchLabels", {}).items() <= labels.items()


def policies_of(release: helm.Release, pod: str) -> Iterator[helm.Manifest]:
    for policy in release.kind("NetworkPolicy").values():
        if selects(policy["spec"]["podSelector"], release.pods()[pod]["metadata"]["labels"]):
            yield policy["spec"]


def peers(release: helm.Release, peer: helm.Manifest) -> set[str]:
    """Return the selected pods of the release, or one name for a namespace, the cluster's DNS or addresses."""
    match peer:
        case {"podSelector": selector, **rest} if not rest:
            assert not any(selects(selector, neighbour) for neighbour in NEIGHBOURS)
            return {name for name, pod in release.pods().items() if selects(selector, pod["metadata"]["labels"])}
        case {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }:
            return {"dns"}
        case {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}, **rest} if not rest:
            return {f"namespace {namespace}"}
        case {"namespaceSelector": {**everything}} if not everything:
            return {"every namespace"}
        case {"ipBlock": {"cidr": cidr, **rest}}:
            return {"public addresses" if rest.get("except") else cidr}
        case _:
            pytest.fail(f"unknown peer: {peer}")


def allowed(release: helm.Release, pod: str, direction: str) -> set[tuple[str, str]]:
    """Return pairs of a peer and a port. A rule for every peer or every port raises KeyError."""
    return {
        (name, f"{port.get('protocol', 'TCP')}/{port['port']}")
        for spec in policies_of(release, pod)
        for rule in spec.get(direction.lower(), [])
        for peer in rule["from" if direction == "Ingress" else "to"]
        for name in peers(release, peer)
        for port in rule["ports"]
    }


def listens_on(release: helm.Release, pod: str) -> set[str]:
    return {f"TCP/{port['containerPort']}" for port in release.container(pod).get("ports", [])}


def test_every_pod_is_isolated_in_both_directions(full_release: helm.Release) -> None:
    for pod in full_release.pods():
        directions = {each for spec in policies_of(full_release, pod) for each in spec["policyTypes"]}
        assert directions == {"Ingress", "Egress"}


def test_no_policy_selects_other_pods_of_the_namespace(full_release: helm.Release) -> None:
    for policy in full_release.kind("NetworkPolicy").values():
        assert not any(selects(policy["spec"]["podSelector"], neighbour) for neighbour in NEIGHBOURS)


def test_what_a_pod_may_send_the_other_may_receive(full_release: helm.Release) -> None:
    pods = full_release.pods()
    sent = {(pod, peer, port) for pod in pods for peer, port in allowed(full_release, pod, "Egress") if peer in pods}
    received = {
        (peer, pod, port) for pod in pods for peer, port in allowed(full_release, pod, "Ingress") if peer in pods
    }

    assert sent == received
    assert {(source, target) for source, target, _ in sent} == {
        *((test, app) for test in SMOKE_TESTS for app in ("frontend", "backend")),
        ("backend", "backend"),
    }


def test_pods_are_reached_only_where_they_listen(full_release: helm.Release) -> None:
    for pod in full_release.pods():
        opened = {port for _, port in allowed(full_release, pod, "Ingress")}
        assert opened - {SIDECARS} == listens_on(full_release, pod)


def test_the_ingress_controller_alone_reaches_the_apps_from_outside(environment: helm.Environment) -> None:
    release = helm.template(environment, {"networkPolicy": {"ingressNamespace": "edge"}})

    reached = {
        pod: {peer for peer, _ in allowed(release, pod, "Ingress") if peer not in release.pods()}
        for pod in release.pods()
    }
    assert {pod for pod, sources in reached.items() if sources} == {"frontend", "backend"}
    assert set().union(*reached.values()) == {"namespace edge"}


def test_the_frontend_and_smoke_tests_reach_nothing_outside(full_release: helm.Release) -> None:
    for pod in ("frontend", *SMOKE_TESTS):
        outside = {
            (peer, port) for peer, port in allowed(full_release, pod, "Egress") if peer not in full_release.pods()
        }
        assert outside <= DNS


def test_the_backend_and_migrations_reach_what_the_settings_name(environment: helm.Environment) -> None:
    policy = {
        "daprNamespace": "dapr",
        "apiServer": {"cidr": "10.0.0.0/28", "port": 16443},
        "databasePort": 6543,
        "kafkaPorts": [9093, 9094],
        "extraEgress": [{"to": [{"ipBlock": {"cidr": "10.9.0.4/32"}}], "ports": [{"port": 4317}]}],
    }
    release = helm.template(environment, {"networkPolicy": policy})
    private = ("10.9.0.4/32", "TCP/4317")
    backend = allowed(release, "backend", "Egress")

    assert {peer for peer, _ in backend} == {
        *("dns", "public addresses", "namespace dapr", "10.0.0.0/28", "10.9.0.4/32", "backend"),
    }
    assert {port for peer, port in backend if peer == "public addresses"} == {
        f"TCP/{port}" for port in (443, 6543, 9093, 9094)
    }
    assert backend >= {*DNS, private, ("10.0.0.0/28", "TCP/16443")}
    assert allowed(release, "todo-app-migrations", "Egress") == {*DNS, private, ("public addresses", "TCP/6543")}


def test_migrations_reach_the_database_before_the_first_install(full_release: helm.Release) -> None:
    hooks = [each for each in full_release.manifests if "helm.sh/hook" in each["metadata"].get("annotations", {})]
    migrations = allowed(full_release, "todo-app-migrations", "Egress")

    assert migrations
    assert allowed(helm.Release(tuple(hooks)), "todo-app-migrations", "Egress") == migrations


@pytest.mark.parametrize("address", ["10.0.10.5", "100.64.0.1", "169.254.169.254", "172.31.255.255", "192.168.1.1"])
def test_private_addresses_are_no_public_ones(full_release: helm.Release, address: str) -> None:
    blocks = [
        peer["ipBlock"]
        for policy in full_release.kind("NetworkPolicy").values()
        for rule in policy["spec"].get("egress", [])
        for peer in rule["to"]
        if "except" in peer.get("ipBlock", {})
    ]

    assert blocks
    for block in blocks:
        assert any(ipaddress.ip_address(address) in ipaddress.ip_network(private) for private in block["except"])


def test_traces_leave_by_their_port_alone(environment: helm.Environment) -> None:
    release = helm.template(environment, {"networkPolicy": {"tracingPort": 4317}})

    more = allowed(release, "backend", "Egress") - allowed(helm.template(environment), "backend", "Egress")
    assert {port for _, port in more} == {"TCP/4317"}


def test_without_dapr_only_its_rules_are_gone(environment: helm.Environment) -> None:
    release = helm.template(environment, {"dapr": {"enabled": False}})
    egress = allowed(release, "backend", "Egress")

    assert {peer for peer, _ in egress} == {"dns", "public addresses"}
    assert {port for _, port in allowed(release, "backend", "Ingress")} == listens_on(release, "backend")


def test_one_switch_turns_all_policies_off(environment: helm.Environment) -> None:
    assert helm.template(environment, {"networkPolicy": {"enabled": False}}).kind("NetworkPolicy") == {}
