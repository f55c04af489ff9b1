"""A delivery from nothing to destroy, on the real engine, the real Kubernetes provider and a real API server.

The tests build on each other: the first brings the stack up, the last two look at all that the others left.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.project import CANARIES, Project

pytestmark = pytest.mark.integration

RELEASE = "kubernetes:helm.sh/v3:Release::todo-app"
RELEASE_TIMEOUT_SECONDS = 300  # the default
KINDS_OF_A_CLUSTER = (
    "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,mutatingwebhookconfigurations,"
    "validatingwebhookconfigurations"
)
KINDS_OF_A_NAMESPACE = (
    "secrets,configmaps,serviceaccounts,services,deployments,statefulsets,pods,jobs,ingresses,networkpolicies,"
    "poddisruptionbudgets,roles,rolebindings,persistentvolumeclaims"
)


def everything(project: Project) -> set[str]:
    """The kind and name of every object of the cluster that a stack could leave behind."""
    items = project.get(KINDS_OF_A_CLUSTER)["items"] + project.get(KINDS_OF_A_NAMESPACE, "--all-namespaces")["items"]
    return {
        f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
        for item in items
        if "deletionTimestamp" not in item["metadata"]
    }


@pytest.fixture(scope="module")
def before(project: Project) -> set[str]:
    return everything(project)


def test_a_first_release_that_cannot_start_leaves_no_release_and_the_next_one_installs(
    project: Project, before: set[str]
) -> None:
    project.configure(backendImage="ghcr.io/example/todo-backend:missing")

    failed = project.run("pulumi", "up", "--yes", "--skip-preview")

    assert failed.code != 0
    # The backend's image is pulled for its migrations first.
    assert "migrations: container migrations is in ImagePullBackOff" in failed.text
    assert seconds_until_ended(failed.text) < RELEASE_TIMEOUT_SECONDS / 5
    assert project.do("helm", "list", "--short", "--all", "--namespace", "default").strip() == ""
    assert everything(project) > before

    project.configure(backendImage="ghcr.io/example/todo-backend:sha-0000000")
    project.up()

    assert [record["status"] for record in project.helm_history()] == ["deployed"]


def test_what_the_settings_ask_for_is_what_runs(deployed: Project) -> None:
    outputs = deployed.outputs()

    assert outputs == {
        "namespace": "default",
        "release": "todo-app",
        "revision": deployed.helm_history()[-1]["revision"],
        "images": {
            "frontend": "ghcr.io/example/todo-frontend:sha-0000000",
            "backend": "ghcr.io/example/todo-backend:sha-0000000",
        },
        "endpoint": "todo.localhost",
        "address": "",
        "url": "http://todo.localhost",
        "verifyTimeoutSeconds": 180,
        "daprComponents": ["todo-pubsub", "todo-secrets", "todo-state"],
    }
    assert set(deployed.pods("frontend").values()) == {outputs["images"]["frontend"]}
    assert set(deployed.pods("backend").values()) == {outputs["images"]["backend"]}
    assert secret(deployed, "app-secrets") == {
        "cohere-api-key": CANARIES["cohereApiKey"],
        "better-auth-secret": CANARIES["betterAuthSecret"],
        "database-url": CANARIES["databaseUrl"],
        "state-url": CANARIES["databaseUrl"],
    }
    assert secret(deployed, "kafka-secrets") == {
        "username": CANARIES["kafkaUsername"],
        "password": CANARIES["kafkaPassword"],
    }
    live = [item["metadata"]["name"] for item in deployed.get("components.dapr.io")["items"]]
    assert live == outputs["daprComponents"]
    webhook = deployed.get("customresourcedefinition", "subscriptions.dapr.io")["spec"]["conversion"]["webhook"]
    assert webhook["clientConfig"]["service"]["namespace"] == "dapr-system"


def test_an_update_with_no_change_changes_nothing(deployed: Project) -> None:
    assert deployed.plan() == {}
    # What that logs is looked for secrets at the end.
    logged = deployed.up("--expect-no-changes", "--debug")
    assert "unchanged" in logged
    assert "register resource outputs" in logged


def test_a_changed_image_rolls_only_its_own_pods(deployed: Project) -> None:
    frontend = deployed.pods("frontend")
    image = "ghcr.io/example/todo-backend@sha256:" + "ab" * 32
    deployed.configure(backendImage=image)

    diff = deployed.do("pulumi", "preview", "--diff")
    assert deployed.plan() == {RELEASE: "update"}
    assert f'"ghcr.io/example/todo-backend:sha-0000000" => "{image}"' in diff
    deployed.up()

    assert set(deployed.pods("backend").values()) == {image}
    assert deployed.pods("frontend") == frontend


@pytest.mark.parametrize(
    ("setting", "name", "key"),
    [("kafkaPassword", "kafka-secrets", "password"), ("cohereApiKey", "app-secrets", "cohere-api-key")],
)
def test_a_rotated_secret_rolls_exactly_the_pods_that_use_it(
    deployed: Project, setting: str, name: str, key: str
) -> None:
    frontend, backend = deployed.pods("frontend"), deployed.pods("backend")
    rotated = f"{CANARIES[setting]}-rotated"
    deployed.configure_secret(**{setting: rotated})

    assert deployed.plan() == {f"kubernetes:core/v1:Secret::{name}": "update", RELEASE: "update"}
    deployed.up()

    assert secret(deployed, name)[key] == rotated
    assert deployed.pods("frontend") == frontend
    assert len(deployed.pods("backend")) == len(backend)
    assert not deployed.pods("backend").keys() & backend.keys()


def test_an_edited_chart_template_is_a_change(deployed: Project) -> None:
    notes = deployed.folder / "infra/helm/todo-app/templates/NOTES.txt"
    text = notes.read_text()
    try:
        notes.write_text(text + "\nEdited.\n")
        assert deployed.plan() == {RELEASE: "update"}
    finally:
        notes.write_text(text)
    assert deployed.plan() == {}


def test_a_bad_release_takes_itself_back_and_names_each_cause(deployed: Project) -> None:
    running = deployed.pods("frontend"), deployed.pods("backend")
    deployed.configure(
        frontendImage="ghcr.io/example/todo-frontend:missing",
        backendImage="ghcr.io/example/todo-backend:crash",
    )

    failed = deployed.run("pulumi", "up", "--yes", "--skip-preview")

    assert failed.code != 0
    assert "rolled back" in failed.text
    assert (
        "frontend: container frontend is in ImagePullBackOff: "
        "Back-off pulling image ghcr.io/example/todo-frontend:missing: manifest unknown"
    ) in failed.text
    assert "backend: container backend is in CrashLoopBackOff" in failed.text
    assert seconds_until_ended(failed.text) < RELEASE_TIMEOUT_SECONDS / 5
    assert deployed.helm_history()[-1]["description"].startswith("Rollback to")
    assert deployed.helm_history()[-1]["status"] == "deployed"
    assert (deployed.pods("frontend"), deployed.pods("backend")) == running


def test_a_hand_made_change_is_found_and_mended(deployed: Project) -> None:
    deployed.do("kubectl", "patch", "secret", "kafka-secrets", "--patch", '{"stringData": {"username": "by-hand"}}')
    deployed.do("kubectl", "delete", "components.dapr.io", "todo-state")
    deployed.do("kubectl", "patch", "configurations.dapr.io", "todo-app", "--type=merge", "--patch",
                '{"spec": {"tracing": {"samplingRate": "1"}}}')  # fmt: skip

    found = deployed.do("pulumi", "refresh", "--yes", "--skip-preview")
    assert "todo-state" in found
    assert deployed.plan() == {
        "kubernetes:core/v1:Secret::kafka-secrets": "update",
        "kubernetes:dapr.io/v1alpha1:Component::todo-state": "create",
        "kubernetes:dapr.io/v1alpha1:Configuration::todo-app": "update",
    }
    deployed.up()

    assert secret(deployed, "kafka-secrets")["username"] == CANARIES["kafkaUsername"]
    assert deployed.get("components.dapr.io", "todo-state")["spec"]["type"] == "state.postgresql"
    configuration = deployed.get("configurations.dapr.io", "todo-app")
    assert configuration["spec"]["tracing"]["samplingRate"] == "0.1"
    assert deployed.plan() == {}


def test_a_hand_made_change_inside_the_release_is_in_the_preview_and_set_back(deployed: Project) -> None:
    images, revision = deployed.pods("backend"), deployed.helm_history()[-1]["revision"]
    deployed.do("kubectl", "scale", "deployment/frontend", "--replicas=1")
    deployed.do("kubectl", "set", "image", "deployment/backend", "backend=example.com/by-hand:1")
    deployed.do("kubectl", "delete", "networkpolicy", "todo-app-default-deny")

    diff = deployed.do("pulumi", "preview", "--diff")
    assert (
        f"reverts manual changes after revision {revision}: "
        "Deployment/backend, Deployment/frontend, NetworkPolicy/todo-app-default-deny"
    ) in diff
    deployed.up()

    assert set(deployed.pods("backend").values()) == set(images.values())
    assert deployed.get("deployment", "frontend")["spec"]["replicas"] == 2
    assert deployed.get("networkpolicy", "todo-app-default-deny")["spec"]["podSelector"]
    assert deployed.plan() == {}


def test_a_new_kubeconfig_for_the_same_cluster_replaces_nothing(deployed: Project) -> None:
    content = deployed.do("kubectl", "config", "view", "--raw", "--flatten")
    renamed = content.replace("kwok-embedded", "another-name")
    deployed.configure_secret(kubeconfig=renamed)

    plan = deployed.plan()

    assert set(plan.values()) <= {"update"}
    assert "replace" not in deployed.do("pulumi", "preview", "--diff")


def test_a_namespace_is_made_where_there_is_none_and_only_then_deleted(deployed: Project) -> None:
    deployed.do("kubectl", "create", "namespace", "of-others")
    deployed.configure(namespace="our-own")
    deployed.up()
    assert deployed.get("deployments", "--namespace", "our-own")["items"]

    deployed.configure(namespace="of-others")
    deployed.up()

    namespaces = {item["metadata"]["name"]: item for item in deployed.get("namespaces")["items"]}
    assert "our-own" not in namespaces or "deletionTimestamp" in namespaces["our-own"]["metadata"]
    assert "todo-oke.pulumi.com/stack" not in namespaces["of-others"]["metadata"]["labels"]
    deployed.configure(namespace="default")
    deployed.up()
    assert "of-others" in {item["metadata"]["name"] for item in deployed.get("namespaces")["items"]}
    deployed.do("kubectl", "delete", "namespace", "of-others")


def test_the_deployer_can_release_in_its_namespace(deployed: Project, tmp_path: Path) -> None:
    deployer = deployer_kubeconfig(deployed, tmp_path)

    upgraded = deployed.do(
        "helm", "upgrade", "todo-app", "infra/helm/todo-app", "--reuse-values", "--atomic", "--timeout", "60s",
        kubeconfig=deployer,
    )  # fmt: skip

    assert "has been upgraded" in upgraded
    deployed.do("kubectl", "rollout", "status", "deployment/backend", "--timeout", "60s", kubeconfig=deployer)
    deployed.do("kubectl", "get", "pods,events,components.dapr.io", kubeconfig=deployer)
    deployed.do("helm", "rollback", "todo-app", "--wait", kubeconfig=deployer)


def test_the_deployer_can_do_nothing_elsewhere(deployed: Project, tmp_path: Path) -> None:
    deployer = deployer_kubeconfig(deployed, tmp_path)
    review = tmp_path / "review.yaml"
    review.write_text(
        "{apiVersion: authorization.k8s.io/v1, kind: SelfSubjectRulesReview, spec: {namespace: kube-system}}"
    )

    create = ["kubectl", "create", "--validate=false", "--filename", str(review), "--output", "json"]
    answer = json.loads(deployed.do(*create, kubeconfig=deployer))

    allowed = {resource for rule in answer["status"]["resourceRules"] for resource in rule["resources"]}
    # What the API server lets every authenticated identity ask about itself.
    assert allowed == {"selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"}
    for verb, what in [
        ("get", "secrets --namespace=kube-system"),
        ("list", "secrets --all-namespaces"),
        ("create", "pods --namespace=dapr-system"),
        ("create", "namespaces"),
        ("list", "nodes"),
        ("create", "clusterrolebindings"),
        ("bind", "roles"),
        ("escalate", "roles"),
        ("create", "pods --subresource=exec"),
        ("impersonate", "users"),
        ("create", "serviceaccounts --subresource=token"),
        ("update", "components.dapr.io"),
    ]:
        refused = deployed.run("kubectl", "auth", "can-i", verb, *what.split(), kubeconfig=deployer)
        assert refused.text.strip().endswith("no"), f"the deployer can {verb} {what}"


@pytest.fixture
def restricted_namespace(deployed: Project) -> Iterator[None]:
    deployed.do("kubectl", "create", "namespace", "restricted")
    deployed.do("kubectl", "label", "namespace", "restricted", "pod-security.kubernetes.io/enforce=restricted")
    for account in ("frontend", "backend"):  # the API server looks a pod's account up
        deployed.do("kubectl", "create", "serviceaccount", account, "--namespace", "restricted")
    yield
    deployed.do("kubectl", "delete", "namespace", "restricted")


@pytest.mark.usefixtures("restricted_namespace")
def test_the_api_server_admits_every_manifest_and_every_pod_as_restricted(deployed: Project, tmp_path: Path) -> None:
    rendered = deployed.do(
        "helm", "template", "todo-app", "infra/helm/todo-app", "--values", "infra/helm/todo-app/values-oke.yaml",
        "--set", "frontend.image=r.example/f:1,backend.image=r.example/b:1",
    )  # fmt: skip
    manifests: list[Mapping[str, Any]] = [document for document in yaml.safe_load_all(rendered) if document]
    pods = [pod_of(manifest) for manifest in manifests if manifest["kind"] in ("Deployment", "Job", "Pod")]
    file = tmp_path / "pods.json"

    assert len(pods) == 5
    for pod in pods:
        file.write_text(json.dumps(pod))
        deployed.do("kubectl", "create", "--dry-run=server", "--namespace", "restricted", "--filename", str(file))

    everything_rendered = tmp_path / "manifests.yaml"
    everything_rendered.write_text(rendered)
    deployed.do(
        "kubectl", "apply", "--server-side", "--validate=strict", "--dry-run=server", "--namespace", "restricted",
        "--filename", str(everything_rendered),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"releaseTimeoutSeconds": "5m", "kafkaBrokers": "redpanda", "hots": "todo.example.com"},
            "3 settings are invalid, nothing was changed:\n"
            "      hots is not a setting; did you mean host?\n"
            "        pulumi config --stack local rm hots\n"
            "      kafkaBrokers must be host:port, not 'redpanda'\n"
            "        pulumi config --stack local set kafkaBrokers broker-0.example.com:9092,broker-1.example.com:9092\n"
            "      releaseTimeoutSeconds must be a whole number between 30 and 3600, not '5m'\n"
            "        pulumi config --stack local set releaseTimeoutSeconds 300\n",
        ),
        ({"kubeconfig": "nowhere"}, "kubeconfig leads to no cluster: there is no file nowhere"),
        ({"context": "nobody"}, "kubeconfig leads to no cluster: it has no context 'nobody', only kwok-embedded"),
        ({"kubeconfig": "unreachable.yaml"}, "Cannot reach the API server of context 'nowhere' at https://127.0.0.1:9"),
        (
            {"valuesFile": "bad-values.yaml"},
            "valuesFile names values that the chart's schema rejects: bad-values.yaml: "
            "backend: Additional properties are not allowed ('replicaz' was unexpected)",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(
    deployed: Project, settings: Mapping[str, str], sentence: str
) -> None:
    (deployed.folder / "unreachable.yaml").write_text(
        "{apiVersion: v1, kind: Config, clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}],"
        " users: [{name: u, user: {token: t}}], contexts: [{name: nowhere, context: {cluster: c, user: u}}],"
        " current-context: nowhere}"
    )
    (deployed.folder / "bad-values.yaml").write_text("backend: {replicaz: 3}\n")
    before, brought_up = (deployed.resources(), deployed.helm_history()), deployed.deployed
    deployed.configure(**settings)

    for command in ("preview", "up --yes --skip-preview"):
        refused = deployed.run("pulumi", *command.split())
        assert refused.code != 0
        assert sentence in refused.text
        assert "Traceback" not in refused.text
    assert (deployed.resources(), deployed.helm_history()) == before
    deployed.deployed = brought_up


def test_no_secret_was_ever_shown_or_stored_in_plain_text(deployed: Project, tmp_path: Path) -> None:
    token = yaml.safe_load(deployer_kubeconfig(deployed, tmp_path).read_text())["users"][0]["user"]["token"]
    places = {
        "what commands printed": "\n".join(deployed.printed),
        "the state": "\n".join(path.read_text() for path in deployed.state.rglob("*") if path.is_file()),
        "the events": deployed.do("kubectl", "get", "events", "--all-namespaces", "--output", "yaml"),
        "Helm's records": deployed.helm_records(),
        "every object but the secrets": deployed.do(
            "kubectl",
            "get",
            "deployments,pods,components.dapr.io,configmaps",
            "--all-namespaces",
            "--output",
            "yaml",
        ),
    }
    password = "canary-database-5d2c"
    for place, text in places.items():
        assert text, place
        for canary in (*CANARIES.values(), password, token):
            encoded = base64.b64encode(canary.encode()).decode().rstrip("=")
            assert canary not in text, f"{canary} is in {place}"
            assert encoded not in text, f"{canary} is in {place}, base64-encoded"
    assert "secure: v1:" in (deployed.folder / "Pulumi.local.yaml").read_text()


def test_destroy_leaves_the_cluster_empty(deployed: Project, before: set[str]) -> None:
    deployed.do("pulumi", "destroy", "--yes", "--skip-preview")

    assert deployed.resources() == set()
    assert everything(deployed) - before == set()


def seconds_until_ended(failed: str) -> int:
    """How long a release was waited for that took itself back before its timeout."""
    said = re.search(r"the rollout cannot succeed, so the wait was aborted after (\d+) s", failed)
    assert said, failed
    return int(said[1])


def secret(project: Project, name: str) -> Mapping[str, str]:
    data: Mapping[str, str] = project.get("secret", name)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def deployer_kubeconfig(project: Project, folder: Path) -> Path:
    path = folder / "deployer"
    path.write_text(project.do("python", "-m", "delivery", "kubeconfig", "--deployer", "--stack", "local"))
    return path


def pod_of(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    template = manifest if manifest["kind"] == "Pod" else manifest["spec"]["template"]
    name = manifest["metadata"]["name"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": template["spec"]}
