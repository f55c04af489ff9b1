import base64
import itertools
import re
from collections import defaultdict
from collections.abc import Mapping

import pulumi
import pytest
from lightkube.config.models import User

from components.app.deployer import Deployer, DeployerArgs
from kube import kubeconfig
from settings.chart import CHART
from tests.support import example
from tests.support.engine import UNKNOWN, Engine, Secret
from tests.support.fake_cluster import FakeCluster

NAME = "todo-app-deployer"
WRITE = {"get", "list", "watch", "create", "update", "patch", "delete"}


def deploy(engine: Engine, data: Mapping[str, str] | str, *, preview: bool = False) -> None:
    def program() -> None:
        access = Deployer(NAME, DeployerArgs(FakeCluster(), namespace="todo"))
        pulumi.export("kubeconfig", access.kubeconfig)

    engine.creations["kubernetes:core/v1:Secret", f"{NAME}-token"] = lambda: {"data": data}
    engine.deploy(program, preview=preview)


@pytest.fixture
def deployed(engine: Engine) -> Engine:
    deploy(engine, {"ca.crt": "Y2FuYXJ5", "token": base64.b64encode(b"canary-token").decode()})
    return engine


@pytest.fixture
def grants(deployed: Engine) -> Mapping[tuple[str, str], set[str]]:
    """The verbs of the role, by API group and resource."""
    verbs: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for rule in deployed.find("kubernetes:rbac.authorization.k8s.io/v1:Role").inputs["rules"]:
        for key in itertools.product(rule["apiGroups"], rule["resources"]):
            verbs[key] |= set(rule["verbs"])
    return verbs


def test_the_identity_exists_in_its_namespace_only(deployed: Engine) -> None:
    declared = [resource for resource in deployed.resources if resource.type.startswith("kubernetes:")]

    assert {resource.inputs["metadata"]["namespace"] for resource in declared} == {"todo"}
    assert {resource.inputs["metadata"]["name"] for resource in declared} == {NAME, f"{NAME}-token"}


def test_the_role_is_bound_to_the_identity(deployed: Engine) -> None:
    binding = deployed.find("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")

    assert binding.inputs["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME}
    assert binding.inputs["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": "todo"}]
    assert {resource.type for resource in deployed.finishes_first(binding)} >= {
        "kubernetes:core/v1:ServiceAccount",
        "kubernetes:rbac.authorization.k8s.io/v1:Role",
    }


def test_token_belongs_to_the_identity_and_no_pod_mounts_it(deployed: Engine) -> None:
    token = deployed.find("kubernetes:core/v1:Secret")
    account = deployed.find("kubernetes:core/v1:ServiceAccount")

    assert token.inputs["type"] == "kubernetes.io/service-account-token"
    assert token.inputs["metadata"]["annotations"] == {"kubernetes.io/service-account.name": NAME}
    assert account in deployed.finishes_first(token)
    assert account.inputs["automountServiceAccountToken"] is False


def test_no_permission_leads_to_more_permissions(grants: Mapping[tuple[str, str], set[str]]) -> None:
    assert {verb for verbs in grants.values() for verb in verbs} <= WRITE
    assert not [key for key in grants if "*" in "".join(key)]
    assert not [
        resource
        for _, resource in grants
        if resource in {"pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers", "nodes"}
        or resource.startswith(("serviceaccounts/", "cluster"))
    ]


def test_every_kind_of_the_chart_and_records_of_helm_can_be_written(
    grants: Mapping[tuple[str, str], set[str]],
) -> None:
    templates = [path.read_text() for path in (example.PROJECT_FOLDER / CHART / "templates").rglob("*.yaml")]
    objects = {
        (version.rpartition("/")[0], kind)
        for template in templates
        for version, kind in re.findall(r"^apiVersion: (\S+)\nkind: (\w+)$", template, re.MULTILINE)
    }
    plurals = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}

    assert {("apps", "Deployment"), ("", "Service")} <= objects
    for group, kind in objects | {("", "Secret")}:
        assert grants[group, plurals.get(kind, f"{kind.lower()}s")] == WRITE, kind


@pytest.mark.parametrize(
    "seen", [("", "pods"), ("", "pods/log"), ("", "events"), ("apps", "replicasets"), ("dapr.io", "components")]
)
def test_a_rollout_can_be_watched(grants: Mapping[tuple[str, str], set[str]], seen: tuple[str, str]) -> None:
    assert grants[seen] >= {"get", "list", "watch"}


def test_the_kubeconfig_holds_the_token_only(deployed: Engine) -> None:
    exported = deployed.exports["kubeconfig"]
    assert isinstance(exported, Secret)

    config = kubeconfig.read(exported.value, "").config

    assert config.cluster.server == "https://cluster.example.com:6443"
    assert config.cluster.certificate_auth_data == "Y2FuYXJ5"
    assert config.namespace == "todo"
    assert config.user == User(token="canary-token")
    assert example.CANARY not in f"{deployed.outputs} {deployed.log}"


def test_a_preview_works_before_there_is_a_token(engine: Engine) -> None:
    deploy(engine, UNKNOWN, preview=True)

    assert engine.exports == {"kubeconfig": UNKNOWN}
