"""The charts of Traefik and cert-manager, rendered with the values of the stack."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema
import pulumi
import pytest
import yaml

from components.platform.cert_manager import CertManager, CertManagerArgs
from components.platform.ingress import IngressController, IngressControllerArgs
from tests.support import example, helm
from tests.support.crd import strict
from tests.support.engine import UNKNOWN, Engine
from tests.support.fake_cluster import FakeCluster
from tests.support.pods import containers, total, violations

CHARTS = example.PROJECT_FOLDER / ".tools/charts"
RELEASE = "kubernetes:helm.sh/v3:Release"

pytestmark = pytest.mark.skipif(not (CHARTS / "traefik").is_dir(), reason="the charts are tools: make tools")


def declare(program: Callable[[], pulumi.ComponentResource]) -> Engine:
    engine = Engine()
    engine.creations[RELEASE, "edge"] = lambda: {"status": UNKNOWN}
    engine.deploy(program, preview=True)
    return engine


def declare_controller(*, redirect_to_https: bool = False) -> Engine:
    return declare(
        lambda: IngressController(
            "edge",
            IngressControllerArgs(
                cluster=FakeCluster(),
                chart=str(CHARTS / "traefik"),
                version="41.6.0",
                namespace="ingress",
                redirect_to_https=redirect_to_https,
                protect=False,
            ),
        )
    )


def declare_cert_manager() -> Engine:
    return declare(
        lambda: CertManager(
            "edge",
            CertManagerArgs(
                chart=str(CHARTS / "cert-manager"),
                version="1.21.2",
                namespace="certificates",
                app_namespace="todo",
                email="owner@example.com",
                protect=False,
            ),
        )
    )


def render(engine: Engine) -> helm.Release:
    """Render the release that was declared."""
    release = engine.find(RELEASE).inputs
    crds = "--skip-crds" if release.get("skipCrds") else "--include-crds"
    return helm.template_chart(release["name"], release["chart"], release["namespace"], release["values"], crds)


@pytest.fixture(scope="module")
def controller() -> helm.Release:
    return render(declare_controller())


@pytest.fixture(scope="module")
def cert_manager() -> helm.Release:
    return render(declare_cert_manager())


def arguments(release: helm.Release) -> dict[str, str]:
    """Return the options of Traefik's command line."""
    options = (argument.removeprefix("--").partition("=") for argument in release.container("traefik")["args"])
    return {name: value for name, _, value in options}


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name


@pytest.mark.parametrize("declared", [declare_controller, declare_cert_manager])
def test_every_value_exists_in_the_chart(declared: Callable[[], Engine]) -> None:
    release = declared().find(RELEASE).inputs
    defaults: Any = yaml.safe_load((CHARTS / release["name"] / "values.yaml").read_text())
    # Not among the defaults of the chart; other tests check what becomes of `http`.
    free = {"resources", "http"}

    def is_known(path: str) -> bool:
        node = defaults
        for name in path.split("."):
            if not isinstance(node, dict) or name not in node:
                return False
            node = node[name]
            if name in free:
                return True
        return True

    assert [path for path in leaves(release["values"]) if not is_known(path)] == []


def test_the_load_balancer_reaches_the_pods_of_the_controller(controller: helm.Release) -> None:
    service = declare_controller().find("kubernetes:core/v1:Service").inputs
    deployment = controller.of("Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    listening = {port["name"]: port["containerPort"] for port in container["ports"]}

    assert service["metadata"]["namespace"] == deployment["metadata"]["namespace"] == "ingress"
    assert service["spec"]["selector"].items() <= labels.items()
    assert {port["port"]: listening[port["targetPort"]] for port in service["spec"]["ports"]} == {80: 8000, 443: 8443}
    assert controller.kind("Service") == {}


def test_ingresses_publish_the_address_of_the_load_balancer(controller: helm.Release) -> None:
    metadata = declare_controller().find("kubernetes:core/v1:Service").inputs["metadata"]
    published = arguments(controller)["providers.kubernetesingress.ingressendpoint.publishedservice"]
    assert published == f"{metadata['namespace']}/{metadata['name']}"


def test_the_ingress_of_the_app_has_the_class_of_the_controller(
    controller: helm.Release, release: helm.Release
) -> None:
    ingress_class = controller.of("IngressClass")
    assert release.of("Ingress")["spec"]["ingressClassName"] == ingress_class["metadata"]["name"]
    annotations = ingress_class["metadata"]["annotations"]
    assert annotations == {"ingressclass.kubernetes.io/is-default-class": "false"}


def test_traefik_serves_ingresses_only(controller: helm.Release) -> None:
    assert arguments(controller)["providers.kubernetesingress.strictPrefixMatching"] == "true"  # whole path elements
    assert "providers.kubernetescrd" not in arguments(controller)
    assert controller.kind("CustomResourceDefinition") == {}
    assert arguments(controller)["api.dashboard"] == "false"
    assert arguments(controller)["global.checkNewVersion"] == "false"
    assert "global.sendAnonymousUsage" not in arguments(controller)
    rules = [rule for role in controller.kind("ClusterRole").values() for rule in role["rules"]]
    assert "traefik.io" not in {group for rule in rules for group in rule["apiGroups"]}


@pytest.mark.parametrize("entry_point", ["web", "websecure"])
def test_client_addresses_are_trusted_from_the_load_balancer_alone(controller: helm.Release, entry_point: str) -> None:
    trusted = arguments(controller)[f"entryPoints.{entry_point}.proxyProtocol.trustedIPs"]
    assert trusted == "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
    assert f"entryPoints.{entry_point}.forwardedHeaders.trustedIPs" not in arguments(controller)
    assert arguments(controller)[f"entryPoints.{entry_point}.http.aliasHeadersStrategy"] == "delete"


def test_http_redirects_to_https_with_a_certificate(controller: helm.Release) -> None:
    redirect = {
        name.rpartition(".")[2]: value
        for name, value in arguments(render(declare_controller(redirect_to_https=True))).items()
        if name.startswith("entryPoints.web.http.redirections.entryPoint.")
    }
    assert redirect == {"to": ":443", "scheme": "https", "permanent": "true"}
    assert not [name for name in arguments(controller) if "redirections" in name]
    assert arguments(controller)["entryPoints.websecure.http.tls"] == "true"


def seconds(text: str) -> int:
    assert re.fullmatch(r"\d+s", text)
    return int(text.removesuffix("s"))


def test_the_controller_closes_idle_connections_before_the_app(controller: helm.Release) -> None:
    idle = seconds(arguments(controller)["serversTransport.forwardingTimeouts.idleConnTimeout"])
    backend = (example.PROJECT_FOLDER / "backend/todo/server.py").read_text()
    frontend = (example.PROJECT_FOLDER / "frontend/nginx.conf").read_text()
    kept = [*re.findall(r"^KEEP_ALIVE_SECONDS = (\d+)", backend, re.MULTILINE)]
    kept += re.findall(r"keepalive_timeout (\d+)s;", frontend)
    assert len(kept) == 2
    assert idle < min(map(int, kept))


@pytest.mark.parametrize("entry_point", ["web", "websecure"])
def test_a_terminating_controller_waits_longer_than_the_app_drains(controller: helm.Release, entry_point: str) -> None:
    lifecycle = f"entryPoints.{entry_point}.transport.lifeCycle"
    accepting = seconds(arguments(controller)[f"{lifecycle}.requestAcceptGraceTimeout"])
    answering = seconds(arguments(controller)[f"{lifecycle}.graceTimeOut"])
    grace = controller.pods()["traefik"]["spec"]["terminationGracePeriodSeconds"]
    drain = 25  # DRAIN_SECONDS of backend/todo/server.py
    assert accepting > 0
    assert drain < answering
    assert accepting + answering < grace


def test_a_drain_or_upgrade_leaves_one_controller(controller: helm.Release) -> None:
    deployment = controller.kind("Deployment")["traefik"]["spec"]
    assert deployment["replicas"] == 2
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    budget = controller.kind("PodDisruptionBudget")["traefik"]["spec"]
    assert budget["maxUnavailable"] == 1
    (spread,) = deployment["template"]["spec"]["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "ScheduleAnyway")
    labels = deployment["template"]["metadata"]["labels"].items()
    assert budget["selector"]["matchLabels"].items() <= labels
    assert spread["labelSelector"]["matchLabels"].items() <= labels


@pytest.mark.parametrize("declared", [declare_controller, declare_cert_manager])
def test_every_pod_of_the_platform_is_restricted(declared: Callable[[], Engine]) -> None:
    for pod in render(declared()).pods().values():
        spec = pod["spec"]
        assert violations({**spec, "containers": [_without_nulls(each) for each in spec["containers"]]}) == []
        assert all(each["securityContext"]["readOnlyRootFilesystem"] for each in containers(spec))


def _without_nulls(container: helm.Manifest) -> helm.Manifest:
    return {name: value for name, value in container.items() if value is not None}


def test_the_platform_takes_little_of_the_free_tier(controller: helm.Release, cert_manager: helm.Release) -> None:
    requested = {"cpu": 0.0, "memory": 0.0}
    for release in (controller, cert_manager):
        for name, pod in release.pods().items():
            assert total(pod, "limits", "memory") <= 256
            replicas = release.kind("Deployment").get(name, {"spec": {}})["spec"].get("replicas", 1)
            for resource in requested:
                requested[resource] += replicas * total(pod, "requests", resource)
    assert requested["cpu"] <= 150
    assert requested["memory"] <= 512


def test_cert_managers_crds_are_in_its_release_and_survive_it(cert_manager: helm.Release) -> None:
    definitions = cert_manager.kind("CustomResourceDefinition")
    assert "issuers.cert-manager.io" in definitions
    for definition in definitions.values():
        assert definition["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_the_installation_of_cert_manager_waits_for_its_webhook(cert_manager: helm.Release) -> None:
    check = cert_manager.kind("Job")["cert-manager-startupapicheck"]
    assert check["metadata"]["annotations"]["helm.sh/hook"] == "post-install"
    (container,) = check["spec"]["template"]["spec"]["containers"]
    assert container["args"][:2] == ["check", "api"]
    namespaces = {manifest["metadata"].get("namespace", "certificates") for manifest in cert_manager.manifests}
    assert namespaces == {"certificates"}  # and nothing in kube-system


def test_the_issuer_matches_its_crd(cert_manager: helm.Release) -> None:
    issuer = declare_cert_manager().find("kubernetes:cert-manager.io/v1:Issuer").inputs
    (version,) = cert_manager.kind("CustomResourceDefinition")["issuers.cert-manager.io"]["spec"]["versions"]
    jsonschema.Draft7Validator(strict(version["schema"]["openAPIV3Schema"])).validate(issuer)
