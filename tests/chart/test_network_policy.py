import ipaddress

import pytest

from tests.support import helm

DNS = {("dns", "UDP/53"), ("dns", "TCP/53")}
DAPR_CONTROL_PLANE = {("namespace dapr-system", f"TCP/{port}") for port in (6500, 50001, 50005, 50006)}

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


def labels(release: helm.Release, pod: str) -> dict[str, str]:
    return release.pods()[pod]["metadata"]["labels"]


def peers(release: helm.Release, peer: helm.Manifest) -> set[str]:
    """What a peer stands for: pods of the release by name, a namespace, the cluster's DNS or addresses."""
    match peer:
        case {"podSelector": selector, **rest} if not rest:
            assert not any(selects(selector, neighbour) for neighbour in NEIGHBOURS)
            return {pod for pod in release.pods() if selects(selector, labels(release, pod))}
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
            return {f"{cidr} but private" if rest.get("except") else cidr}
        case _:
            pytest.fail(f"a peer of an unknown shape: {peer}")


def allowed(release: helm.Release, pod: str, direction: str) -> set[tuple[str, str]]:
    """Pairs of a peer and a port; no policy with a rule for everyone or for every port passes."""
    found: set[tuple[str, str]] = set()
    for policy in release.kind("NetworkPolicy").values():
        if not selects(policy["spec"]["podSelector"], labels(release, pod)):
            continue
        for rule in policy["spec"].get(direction.lower(), []):
            ports = {f"{port.get('protocol', 'TCP')}/{port['port']}" for port in rule["ports"]}
            names = {name for peer in rule["from" if direction == "Ingress" else "to"] for name in peers(release, peer)}
            found |= {(name, port) for name in names for port in ports}
    return found


def test_every_pod_is_shut_in_both_directions(full_release: helm.Release) -> None:
    for pod in full_release.pods():
        shut = {
            direction
            for policy in full_release.kind("NetworkPolicy").values()
            if selects(policy["spec"]["podSelector"], labels(full_release, pod))
            for direction in policy["spec"]["policyTypes"]
        }
        assert shut == {"Ingress", "Egress"}


def test_no_policy_touches_other_pods_of_the_namespace(full_release: helm.Release) -> None:
    for policy in full_release.kind("NetworkPolicy").values():
        assert not any(selects(policy["spec"]["podSelector"], neighbour) for neighbour in NEIGHBOURS)


def test_frontend(full_release: helm.Release) -> None:
    assert allowed(full_release, "frontend", "Ingress") == {
        ("namespace traefik", "TCP/8080"),
        ("todo-app-smoke-test-frontend", "TCP/8080"),
        ("todo-app-smoke-test-backend", "TCP/8080"),
    }
    assert allowed(full_release, "frontend", "Egress") == set()


def test_backend(full_release: helm.Release) -> None:
    assert allowed(full_release, "backend", "Ingress") == {
        ("namespace traefik", "TCP/8000"),
        ("todo-app-smoke-test-frontend", "TCP/8000"),
        ("todo-app-smoke-test-backend", "TCP/8000"),
        ("backend", "TCP/50002"),
    }
    assert allowed(full_release, "backend", "Egress") == {
        *DNS,
        *DAPR_CONTROL_PLANE,
        ("0.0.0.0/0 but private", "TCP/443"),
        ("0.0.0.0/0 but private", "TCP/5432"),
        ("0.0.0.0/0 but private", "TCP/9092"),
        ("0.0.0.0/0", "TCP/6443"),
        ("backend", "TCP/50002"),
    }


def test_smoke_test(full_release: helm.Release) -> None:
    for app in ("frontend", "backend"):
        pod = f"todo-app-smoke-test-{app}"
        assert allowed(full_release, pod, "Ingress") == set()
        assert allowed(full_release, pod, "Egress") == {*DNS, ("frontend", "TCP/8080"), ("backend", "TCP/8000")}


def test_migrations_reach_the_database_also_before_the_first_install(full_release: helm.Release) -> None:
    hooks = [
        manifest for manifest in full_release.manifests if "helm.sh/hook" in manifest["metadata"].get("annotations", {})
    ]
    for moment in (helm.Release(tuple(hooks)), full_release):
        assert allowed(moment, "todo-app-migrations", "Ingress") == set()
        assert allowed(moment, "todo-app-migrations", "Egress") == {*DNS, ("0.0.0.0/0 but private", "TCP/5432")}


@pytest.mark.parametrize("app", ["frontend", "backend"])
def test_the_open_port_is_the_one_that_listens(release: helm.Release, app: str) -> None:
    (container,) = release.pods()[app]["spec"]["containers"]
    listening = f"TCP/{container['ports'][0]['containerPort']}"
    assert ("namespace traefik", listening) in allowed(release, app, "Ingress")


@pytest.mark.parametrize("address", ["10.0.10.5", "100.64.0.1", "169.254.169.254", "172.31.255.255", "192.168.1.1"])
def test_private_addresses_are_out_of_reach(full_release: helm.Release, address: str) -> None:
    blocks = [
        peer["ipBlock"]
        for policy in full_release.kind("NetworkPolicy").values()
        for rule in policy["spec"].get("egress", [])
        for peer in rule["to"]
        if "ipBlock" in peer and rule["ports"] != [{"port": 6443}]
    ]
    assert len(blocks) == 2
    for block in blocks:
        assert any(ipaddress.ip_address(address) in ipaddress.ip_network(private) for private in block["except"])


def test_where_things_are_is_a_setting(environment: helm.Environment) -> None:
    release = helm.template(
        environment,
        {
            "networkPolicy": {
                "ingressNamespace": "edge",
                "daprNamespace": "dapr",
                "apiServer": {"cidr": "10.0.0.0/28", "port": 16443},
                "databasePort": 6543,
                "kafkaPorts": [9093, 9094],
                "privateCidrs": [],
                "extraEgress": [{"to": [{"ipBlock": {"cidr": "10.9.0.4/32"}}], "ports": [{"port": 4317}]}],
            },
        },
    )
    assert ("namespace edge", "TCP/8000") in allowed(release, "backend", "Ingress")
    assert allowed(release, "backend", "Egress") == {
        *DNS,
        *(("namespace dapr", port) for _, port in DAPR_CONTROL_PLANE),
        *(("0.0.0.0/0", f"TCP/{port}") for port in (443, 6543, 9093, 9094)),
        ("10.0.0.0/28", "TCP/16443"),
        ("10.9.0.4/32", "TCP/4317"),
        ("backend", "TCP/50002"),
    }
    assert allowed(release, "todo-app-migrations", "Egress") == {
        *DNS,
        ("0.0.0.0/0", "TCP/6543"),
        ("10.9.0.4/32", "TCP/4317"),
    }


def test_traces_leave_by_their_port_alone(environment: helm.Environment) -> None:
    release = helm.template(environment, {"networkPolicy": {"tracingPort": 4317}})
    more = allowed(release, "backend", "Egress") - allowed(helm.template(environment), "backend", "Egress")
    assert more == {("every namespace", "TCP/4317"), ("0.0.0.0/0", "TCP/4317")}


def test_without_dapr_its_ports_are_shut(environment: helm.Environment) -> None:
    release = helm.template(environment, {"dapr": {"enabled": False}})
    open_ports = {port for direction in ("Ingress", "Egress") for _, port in allowed(release, "backend", direction)}
    assert open_ports == {"TCP/8000", "UDP/53", "TCP/53", "TCP/443", "TCP/5432", "TCP/9092"}


def test_one_switch_turns_all_policies_off(environment: helm.Environment) -> None:
    release = helm.template(environment, {"networkPolicy": {"enabled": False}})
    assert release.kind("NetworkPolicy") == {}
