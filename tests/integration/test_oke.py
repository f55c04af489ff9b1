"""The stack `oke` from nothing to its end: real engine, real API server; the cloud, GitHub and builds are doubles."""

import base64
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pytest
import yaml
from lightkube import ApiError, Client, KubeConfig
from lightkube.resources.core_v1 import Service

from tests.support import oci_api
from tests.support.embedded import embedded_cluster
from tests.support.oke_endpoint import Endpoint, oke_endpoint
from tests.support.project import CANARIES, Project, make_project
from tests.support.providers.serving import Doubles, serve
from tests.support.sources import commit, write_sources

RESOURCES = 91
ADDRESS = "203.0.113.7"
SETTINGS = {
    "compartmentOcid": "ocid1.compartment.oc1..aaaacompartment",
    "region": oci_api.REGION,
    "imageRegistry": "ghcr.io/example",
    "repository": "example/todo",
    "reviewers": "octocat",
    "kafkaBrokers": "broker.example.com:9092",
    "daprChart": ".tools/charts/dapr",
    "ingressChart": ".tools/charts/traefik",
    "certManagerChart": ".tools/charts/cert-manager",
    "protect": "false",
}


@dataclass
class Production:
    """The stack's project, and what it is delivered to."""

    project: Project
    doubles: Doubles
    endpoint: Endpoint

    def image(self, app: str) -> str:
        return self.project.outputs()["images"][app]


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """Settings alone: nothing is deployed yet."""
    folder = tmp_path_factory.mktemp("oke")
    with (
        embedded_cluster(folder / "cluster") as kubeconfig,
        oke_endpoint(kubeconfig, folder / "endpoint") as endpoint,
        load_balancers(kubeconfig),
        serve(folder / "project") as doubles,
    ):
        doubles.oci.kubeconfig = endpoint.kubeconfig()
        environment = {
            **doubles.environment,
            "OCI_CLI_USER": oci_api.USER,
            "OCI_CLI_TENANCY": oci_api.TENANCY,
            "OCI_CLI_FINGERPRINT": oci_api.FINGERPRINT,
            "OCI_CLI_KEY_CONTENT": oci_api.pem(),
            "GITHUB_TOKEN": "canary-github-token",
        }
        project = make_project(folder / "project", kubeconfig, "oke", environment)
        write_sources(project)
        project.configure(**SETTINGS)
        yield Production(project, doubles, endpoint)


@contextmanager
def load_balancers(kubeconfig: Path) -> Generator[None]:
    """OKE's cloud controller: it gives an address to each Service that asks for a load balancer."""
    over = threading.Event()
    client = Client(config=KubeConfig.from_file(kubeconfig))
    status = {"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}}

    def give() -> None:
        while not over.wait(0.2):
            for service in client.list(Service, namespace="*"):
                balancer = service.status and service.status.loadBalancer
                if service.spec and service.spec.type == "LoadBalancer" and not (balancer and balancer.ingress):
                    assert service.metadata
                    name, namespace = service.metadata.name or "", service.metadata.namespace
                    with suppress(ApiError):  # it was deleted meanwhile
                        client.patch(Service.Status, name, status, namespace=namespace)

    thread = threading.Thread(target=give)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# The operations of a preview, by resource's type and name.
Plan: TypeAlias = dict[str, str]

RELEASE = {"kubernetes:helm.sh/v3:Release::todo-app": "update"}
BACKEND = {"docker-build:index:Image::todo-backend": "update", **RELEASE}
FRONTEND = {"docker-build:index:Image::todo-frontend": "update", **RELEASE}
POOL = {"oci:ContainerEngine/nodePool:NodePool::cluster": "update"}
CLUSTER = {"oci:ContainerEngine/cluster:Cluster::cluster": "update"}
NETWORK = {
    f"oci:Core/{kind[0].lower()}{kind[1:]}:{kind}::cluster{part}": "update"
    for kind, parts in {
        "Vcn": [""],
        "InternetGateway": ["-internet"],
        "NatGateway": ["-nat"],
        "ServiceGateway": ["-oracle"],
        "RouteTable": ["-public", "-private"],
        "SecurityList": ["-no-rules"],
        "Subnet": ["-api", "-nodes", "-load-balancers"],
        "NetworkSecurityGroup": ["-api", "-nodes", "-load-balancers"],
    }.items()
    for part in parts
}
RULE = "oci:Core/networkSecurityGroupSecurityRule:NetworkSecurityGroupSecurityRule::cluster-api-from-"
CERT_MANAGER = {
    "todo:platform:CertManager::cert-manager": "create",
    "todo:cluster:Namespace::cert-manager": "create",
    "kubernetes:core/v1:Namespace::cert-manager": "create",
    "kubernetes:helm.sh/v3:Release::cert-manager": "create",
    "kubernetes:cert-manager.io/v1:Issuer::cert-manager-issuer": "create",
    "kubernetes:helm.sh/v3:Release::ingress": "update",
}


def variable(name: str) -> Plan:
    return {f"github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable::{name}": "update"}


def on_github(*names: str) -> Plan:
    """Secrets that are written over the old ones, and the note that tells when."""
    secrets = (f"github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret::{name}" for name in names)
    return dict.fromkeys(secrets, "replace") | variable("SECRETS_WRITTEN")


def in_cluster(*names: str) -> Plan:
    return {f"kubernetes:core/v1:Secret::{name}": "update" for name in names} | RELEASE


@dataclass(frozen=True)
class Change:
    """What a user does, to settings, encrypted ones, or the files of an image, and what a preview shows then."""

    name: str
    plan: Plan
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    edits: str = ""

    def clashes(self, other: "Change") -> bool:
        return bool(self.plan.keys() & other.plan.keys() or self.settings.keys() & other.settings.keys())


CHANGES = (
    Change("code of the backend", BACKEND, edits="backend/Dockerfile"),
    Change("code of the frontend", FRONTEND, edits="frontend/Dockerfile"),
    Change("documentation", {}, edits="README.md"),
    Change("platforms", BACKEND | FRONTEND, {"imagePlatforms": "linux/arm64,linux/amd64"}),
    Change("no scan", {}, {"imageScan": ""}),
    Change("signatures", variable("SIGN_IMAGES"), {"signImages": "true"}),
    Change("Cohere's key", in_cluster("app-secrets") | on_github("COHERE_API_KEY"), secrets={"cohereApiKey": "new"}),
    Change(
        "the database's password",
        in_cluster("app-secrets") | on_github("DATABASE_URL"),
        secrets={"databaseUrl": "postgresql://todo:canary-new@db.example.com/todo"},
    ),
    Change(
        "the key of the tokens",
        # Both checksums are made with it.
        in_cluster("app-secrets") | on_github("BETTER_AUTH_SECRET"),
        secrets={"betterAuthSecret": "canary-new-0123456789abcdef0123456789abcdef"},
    ),
    Change(
        "Kafka's password", in_cluster("kafka-secrets") | on_github("KAFKA_PASSWORD"), secrets={"kafkaPassword": "new"}
    ),
    Change(
        "private images",
        {
            "todo:app:PullSecret::registry-pull": "create",
            "kubernetes:core/v1:Secret::registry-pull": "create",
            **RELEASE,
        },
        {"registryUser": "example"},
        {"registryToken": "canary-token"},
    ),
    Change("more nodes", POOL, {"nodeCount": "3"}),
    Change("larger nodes", POOL, {"nodeOcpus": "2", "nodeMemoryGb": "12"}),
    Change("larger boot volumes", POOL, {"nodeBootVolumeGb": "100"}),
    Change("the version that it has", {}, {"kubernetesVersion": "v1.34.1"}),
    Change("another name of the cluster", CLUSTER | NETWORK, {"clusterName": "production"}),
    Change(
        "who may reach the API",
        {f"{RULE}0.0.0.0/0": "delete", f"{RULE}203.0.113.0/24": "create"},
        {"apiAllowedCidrs": "203.0.113.0/24"},
    ),
    Change("a host name", RELEASE, {"host": "todo.example.com"}),
    Change("certificates", RELEASE | CERT_MANAGER, {"letsEncryptEmail": "me@example.com", "host": "todo.example.com"}),
    Change("another timeout", RELEASE, {"releaseTimeoutSeconds": "120"}),
    Change("another values file", RELEASE, {"valuesFile": "infra/helm/todo-app/values-local.yaml"}),
    Change("Dapr's scheduler", {"kubernetes:helm.sh/v3:Release::dapr": "update"}, {"daprScheduler": "true"}),
    Change(
        "another topic",
        {"kubernetes:dapr.io/v2alpha1:Subscription::todo-events": "update", **RELEASE},
        {"kafkaTopic": "events"},
    ),
    Change(
        "another broker",
        {"kubernetes:dapr.io/v1alpha1:Component::todo-pubsub": "update", **RELEASE},
        {"kafkaBrokers": "other.example.com:9092"},
    ),
    Change(
        "traces",
        {"kubernetes:dapr.io/v1alpha1:Configuration::todo-app": "update", **RELEASE},
        {"tracingEndpoint": "collector.tracing:4317"},
    ),
    Change(
        "nobody reviews",
        {"github:index/repositoryEnvironment:RepositoryEnvironment::production": "update"},
        {"reviewers": ""},
    ),
    Change(
        "required checks",
        {"github:index/repositoryRuleset:RepositoryRuleset::main": "create"},
        {"requireChecks": "true"},
    ),
)


def batches() -> list[list[Change]]:
    """The changes in as few previews as possible: those of a batch touch nothing in common."""
    found: list[list[Change]] = []
    for change in CHANGES:
        batch = next((batch for batch in found if not any(change.clashes(other) for other in batch)), None)
        if batch is None:
            found.append([change])
        else:
            batch.append(change)
    return found


@pytest.fixture(scope="module")
def up(production: Production) -> Production:
    """The stack, brought up once."""
    production.project.up()
    return production


@pytest.fixture
def settings(up: Production) -> Iterator[Project]:
    """The project; whatever a test sets is set back after it."""
    file = up.project.folder / "Pulumi.oke.yaml"
    kept = file.read_text()
    head = up.project.do("git", "rev-parse", "HEAD").strip()
    yield up.project
    file.write_text(kept)
    up.project.do("git", "reset", "--quiet", "--hard", head)


def test_a_first_preview_shows_the_whole_graph_and_needs_no_cluster(production: Production) -> None:
    plan = production.project.plan()

    assert set(plan.values()) == {"create"}
    assert len(plan) == RESOURCES
    assert production.endpoint.users == set()
    assert production.doubles.oci.cloud.did("create") == []


def test_the_parts_are_made_in_their_order(up: Production) -> None:
    made = [type_ for _, type_, _ in up.doubles.oci.cloud.did("create")]
    at = {type_: made.index(type_) for type_ in made}

    assert at["Vcn"] < at["Subnet"] < at["Cluster"] < at["NodePool"] == len(made) - 1
    built = up.doubles.docker_build.cloud.log
    assert {each.name for each in built if each.kind == "create"} == {"todo-frontend", "todo-backend"}


def test_exactly_the_pushed_images_are_scanned_and_released(up: Production) -> None:
    images = up.project.outputs()["images"]
    scanned = (up.project.folder / "trivy.log").read_text().split()

    assert sorted(scanned) == sorted(images.values())
    for app, image in images.items():
        reference, _, digest = image.partition("@")
        assert up.doubles.registry.has(reference, digest)
        assert set(up.project.pods(app).values()) == {image}


def test_the_app_answers_at_the_address_of_the_load_balancer(up: Production) -> None:
    assert up.project.outputs()["url"] == f"http://{ADDRESS}"


def test_the_cluster_is_reached_by_tokens_that_the_user_signs(up: Production) -> None:
    (cluster,) = up.doubles.oci.cloud.all("Cluster")

    assert (up.endpoint.clusters, up.endpoint.users, up.endpoint.refusals) == ({cluster}, {oci_api.KEY_ID}, [])


def test_nothing_changes_the_second_time(up: Production) -> None:
    assert up.project.plan() == {}


@pytest.mark.parametrize("batch", batches(), ids=lambda batch: ", ".join(change.name for change in batch))
def test_a_change_touches_what_it_is_for(settings: Project, batch: Sequence[Change]) -> None:
    for change in batch:
        settings.configure(**change.settings)
        settings.configure_secret(**change.secrets)
        if change.edits:
            with (settings.folder / change.edits).open("a") as file:
                file.write("# edited\n")
            commit(settings, change.edits)

    assert settings.plan() == {key: operation for change in batch for key, operation in change.plan.items()}


def test_a_newer_version_or_image_of_the_nodes_waits_until_it_is_asked_for(settings: Project, up: Production) -> None:
    up.doubles.oci.kubernetes_versions += ("v1.35.0",)
    up.doubles.oci.os_versions += ("8.11",)

    assert settings.plan() == {}
    settings.configure(kubernetesVersion="v1.35.0")
    assert settings.plan() == CLUSTER | POOL


def github_secret(production: Production, name: str) -> str:
    secrets = production.doubles.github.cloud.all("ActionsEnvironmentSecret")
    return secrets[f"todo:production:{name}"]["value"]


def test_the_kubeconfig_on_github_delivers_to_the_namespace_and_does_nothing_else(up: Production) -> None:
    project = up.project
    deployer = project.folder / "deployer"
    document = yaml.safe_load(base64.b64decode(github_secret(up, "KUBECONFIG")))
    # OKE's endpoint has a certificate of the cluster's own authority, which the one in front of this cluster has not.
    authority = base64.b64encode(up.endpoint.authority).decode()
    document["clusters"][0]["cluster"]["certificate-authority-data"] = authority
    deployer.write_text(yaml.safe_dump(document))

    def may(*what: str) -> bool:
        return project.run("kubectl", "auth", "can-i", *what, kubeconfig=deployer).code == 0

    assert document["clusters"][0]["cluster"]["server"] == up.endpoint.server
    upgrade = ("helm", "upgrade", "todo-app", "infra/helm/todo-app", "--reuse-values", "--wait", "--atomic")
    project.do(*upgrade, kubeconfig=deployer)
    for asked in (
        ("create", "deployments"),
        ("get", "pods"),
        ("get", "pods", "--subresource", "log"),
        ("update", "secrets"),
    ):
        assert may(*asked)
    for asked in (
        ("create", "deployments", "--namespace", "kube-system"),
        ("get", "secrets", "--namespace", "dapr-system"),
        ("get", "nodes"),
        ("create", "namespaces"),
        ("create", "clusterrolebindings"),
        ("create", "serviceaccounts", "--subresource", "token"),
        ("create", "pods", "--subresource", "exec"),
    ):
        assert not may(*asked)


def test_what_was_changed_by_hand_is_set_back(up: Production) -> None:
    github = up.doubles.github
    github.edit_secret("DATABASE_URL", "by hand")
    ((rule, _),) = (
        (id_, found)
        for id_, found in up.doubles.oci.cloud.all("NetworkSecurityGroupSecurityRule").items()
        if found["description"] == "apiAllowedCidrs"
    )
    up.doubles.oci.cloud.edit(rule, source="198.51.100.0/24")

    printed = up.project.up("--refresh")

    assert "by hand" not in printed
    assert github_secret(up, "DATABASE_URL") == CANARIES["databaseUrl"]
    found = up.doubles.oci.cloud.get(rule)
    assert found is not None
    assert found["source"] == "0.0.0.0/0"
    assert up.project.plan() == {}


def test_a_vulnerable_image_is_not_released(up: Production) -> None:
    project = up.project
    running, trivy = project.outputs()["images"], project.folder / "bin/trivy"
    kept = trivy.read_text()
    trivy.write_text("#!/bin/sh\necho CVE-2026-0001\nexit 10\n")
    (project.folder / "backend/app.py").write_text("vulnerable = True\n")
    commit(project, "A vulnerable backend")

    refused = project.run("pulumi", "up", "--yes", "--skip-preview")

    trivy.write_text(kept)
    assert refused.code != 0
    assert "CVE-2026-0001" in refused.text
    assert "Not released" in refused.text
    assert set(project.pods("backend").values()) == {running["backend"]}
    project.up()
    assert set(project.pods("backend").values()) == {up.image("backend")} != {running["backend"]}
    assert set(project.pods("frontend").values()) == {running["frontend"]}


def test_no_secret_is_shown_or_kept_in_plain_text(up: Production) -> None:
    canaries = [*CANARIES.values(), "canary-github-token", github_secret(up, "KUBECONFIG"), oci_api.pem()]
    state = "".join(path.read_text() for path in up.project.state.rglob("*") if path.is_file())
    everything = "\n".join([*up.project.printed, state, up.project.helm_records()])

    assert [canary for canary in canaries if canary in everything] == []
    assert "aHR0cHM6Ly9jb250YWluZXJlbmdpbmUu" not in everything  # how a token of OKE begins


def test_at_its_end_nothing_is_left_but_the_images(up: Production) -> None:
    up.project.do("pulumi", "destroy", "--yes", "--skip-preview")

    assert up.project.resources() == set()
    deleted = [type_ for _, type_, _ in up.doubles.oci.cloud.did("delete")]
    assert deleted.index("NodePool") < deleted.index("Cluster") < deleted.index("Subnet") < deleted.index("Vcn")
    assert len(deleted) == len(up.doubles.oci.cloud.did("create"))
    assert up.doubles.registry.images
