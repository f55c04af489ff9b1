"""The stack `oke` from nothing to its end: real engine, real API server; the cloud, GitHub and builds are doubles."""

import base64
import json
import subprocess
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube import ApiError, Client, KubeConfig
from lightkube.resources.core_v1 import Service

from tests.doubles.serving import Doubles, serve
from tests.integration.oke_endpoint import Endpoint, oke_endpoint
from tests.integration.project import CANARIES, Project, make_project
from tests.unit import oracle

from .conftest import embedded_cluster

CREATED = 92
ADDRESS = "203.0.113.7"
SETTINGS = {
    "compartmentOcid": "ocid1.compartment.oc1..aaaacompartment",
    "region": oracle.REGION,
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
            "OCI_CLI_USER": oracle.USER,
            "OCI_CLI_TENANCY": oracle.TENANCY,
            "OCI_CLI_FINGERPRINT": oracle.FINGERPRINT,
            "OCI_CLI_KEY_CONTENT": oracle.pem(),
            "GITHUB_TOKEN": "canary-github-token",
        }
        project = make_project(folder / "project", kubeconfig, "oke", environment)
        write_sources(project)
        project.configure(**SETTINGS)
        yield Production(project, doubles, endpoint)


def write_sources(project: Project) -> None:
    """The contexts of the images, committed, and a Trivy that finds nothing."""
    for app in ("frontend", "backend"):
        (project.folder / app).mkdir()
        (project.folder / app / "Dockerfile").write_text("FROM scratch\n")
    trivy = project.folder / "bin/trivy"
    trivy.parent.mkdir()
    trivy.write_text('#!/bin/sh\nfor last; do :; done\necho "$last" >> trivy.log\n')
    trivy.chmod(0o755)
    project.do("git", "init", "--quiet")
    commit(project, "First")


def commit(project: Project, message: str) -> None:
    identity = ("-c", "user.name=Example", "-c", "user.email=me@example.com")
    project.do("git", "add", "frontend", "backend")
    project.do("git", *identity, "commit", "--quiet", "--message", message)


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
                    name, namespace = service.metadata.name or "", service.metadata.namespace
                    client.patch(Service.Status, name, status, namespace=namespace)

    thread = threading.Thread(target=give)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# What is asked of the program, and what a preview is to show of it: the operations by resource's type and name.
Plan = Mapping[str, str]
RELEASE = {"kubernetes:helm.sh/v3:Release::todo-app": "update"}
BACKEND = {"docker-build:index:Image::todo-backend": "update", **RELEASE}
FRONTEND = {"docker-build:index:Image::todo-frontend": "update", **RELEASE}
POOL = {"oci:ContainerEngine/nodePool:NodePool::cluster": "update"}


def secret(name: str) -> Plan:
    """A secret on GitHub is written over the old one, and the note that tells when."""
    return {
        f"github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret::{name}": "replace",
        "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable::SECRETS_WRITTEN": "update",
    }


def app_secret(name: str) -> Plan:
    return {"kubernetes:core/v1:Secret::app-secrets": "update", **RELEASE, **secret(name)}


KAFKA_SECRET = {"kubernetes:core/v1:Secret::kafka-secrets": "update", **RELEASE}
NETWORK_NAMES = {
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

# 25 changes that a user makes: settings in plain text, and the plan.
SETTINGS_AND_PLANS: Mapping[str, tuple[Mapping[str, str], Plan]] = {
    "more nodes": ({"nodeCount": "3"}, POOL),
    "larger nodes": ({"nodeOcpus": "2", "nodeMemoryGb": "12"}, POOL),
    "larger boot volumes": ({"nodeBootVolumeGb": "100"}, POOL),
    "the version that it has": ({"kubernetesVersion": "v1.34.1"}, {}),
    "another name of the cluster": (
        {"clusterName": "production"},
        {"oci:ContainerEngine/cluster:Cluster::cluster": "update", **NETWORK_NAMES},
    ),
    "who may reach the API": (
        {"apiAllowedCidrs": "203.0.113.0/24"},
        {f"{RULE}0.0.0.0/0": "delete", f"{RULE}203.0.113.0/24": "create"},
    ),
    "a host name": ({"host": "todo.example.com"}, RELEASE),
    "another timeout": ({"releaseTimeoutSeconds": "120"}, RELEASE),
    "another values file": ({"valuesFile": "infra/helm/todo-app/values-local.yaml"}, RELEASE),
    "the scheduler of Dapr": ({"daprScheduler": "true"}, {"kubernetes:helm.sh/v3:Release::dapr": "update"}),
    "another topic": (
        {"kafkaTopic": "events"},
        {"kubernetes:dapr.io/v2alpha1:Subscription::todo-events": "update", **RELEASE},
    ),
    "another broker": (
        {"kafkaBrokers": "other.example.com:9092"},
        {"kubernetes:dapr.io/v1alpha1:Component::todo-pubsub": "update"},
    ),
    "traces": (
        {"tracingEndpoint": "collector.tracing:4317"},
        {"kubernetes:dapr.io/v1alpha1:Configuration::todo-app": "update", **RELEASE},
    ),
    "nobody reviews": (
        {"reviewers": ""},
        {"github:index/repositoryEnvironment:RepositoryEnvironment::production": "update"},
    ),
    "checks are required": (
        {"requireChecks": "true"},
        {"github:index/repositoryRuleset:RepositoryRuleset::main": "create"},
    ),
    "images are signed": (
        {"signImages": "true"},
        {"github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable::SIGN_IMAGES": "update"},
    ),
    "images are not scanned": ({"imageScan": ""}, {}),
    "another platform": ({"imagePlatforms": "linux/arm64,linux/amd64"}, BACKEND | FRONTEND),
}


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
    yield up.project
    file.write_text(kept)


def test_a_first_preview_shows_the_whole_graph_and_needs_no_cluster(production: Production) -> None:
    plan = production.project.plan()

    assert set(plan.values()) == {"create"}
    assert len(plan) == CREATED
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

    assert (up.endpoint.clusters, up.endpoint.users, up.endpoint.refusals) == ({cluster}, {oracle.KEY_ID}, [])


def test_nothing_changes_the_second_time(up: Production) -> None:
    assert up.project.plan() == {}


@pytest.mark.parametrize(("changes", "plan"), SETTINGS_AND_PLANS.values(), ids=SETTINGS_AND_PLANS.keys())
def test_a_setting_changes_what_it_is_for(settings: Project, changes: Mapping[str, str], plan: Plan) -> None:
    settings.configure(**changes)

    assert settings.plan() == plan
