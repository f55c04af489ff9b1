import pytest
import yaml

from tests.support import helm

APPS = ("frontend", "backend")


def container(release: helm.Release, pod: str) -> helm.Manifest:
    (only,) = release.pods()[pod]["spec"]["containers"]
    return only


def test_the_release_is_these_objects(release: helm.Release) -> None:
    assert sorted(f"{manifest['kind']}/{manifest['metadata']['name']}" for manifest in release.manifests) == [
        "Deployment/backend",
        "Deployment/frontend",
        "Ingress/todo-app-ingress",
        "Job/todo-app-migrations",
        "NetworkPolicy/backend",
        "NetworkPolicy/frontend",
        "NetworkPolicy/todo-app-default-deny",
        "NetworkPolicy/todo-app-migrations",
        "NetworkPolicy/todo-app-smoke-test",
        "Pod/todo-app-smoke-test-backend",
        "Pod/todo-app-smoke-test-frontend",
        "PodDisruptionBudget/backend",
        "PodDisruptionBudget/frontend",
        "Role/backend",
        "RoleBinding/backend",
        "Service/backend",
        "Service/frontend",
        "Service/todo-app-rollout",
        "ServiceAccount/backend",
        "ServiceAccount/frontend",
    ]


def test_every_object_carries_the_recommended_labels(full_release: helm.Release) -> None:
    chart = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())
    for manifest in full_release.manifests:
        if manifest["kind"] == "Pod":
            continue
        labels = manifest["metadata"]["labels"]
        assert {key: value for key, value in labels.items() if key != "app"} == {
            "app.kubernetes.io/name": "todo-app",
            "app.kubernetes.io/instance": "todo-app",
            "app.kubernetes.io/managed-by": "Helm",
            "helm.sh/chart": f"todo-app-{chart['version']}",
        }


@pytest.mark.parametrize("app", APPS)
def test_labels_that_people_select_by(release: helm.Release, app: str) -> None:
    deployment = release.kind("Deployment")[app]
    assert deployment["metadata"]["labels"]["app"] == app
    assert deployment["spec"]["selector"]["matchLabels"] == {"app": app, "app.kubernetes.io/instance": "todo-app"}


def test_pod_labels_stay_the_same_over_chart_versions(full_release: helm.Release) -> None:
    for pod in full_release.pods().values():
        assert set(pod["metadata"]["labels"]) == {"app", "app.kubernetes.io/name", "app.kubernetes.io/instance"}


def test_images_are_taken_as_given(full_release: helm.Release) -> None:
    images = {pod: container(full_release, pod)["image"] for pod in full_release.pods()}
    assert images == {
        "frontend": helm.FRONTEND_IMAGE,
        "backend": helm.BACKEND_IMAGE,
        "todo-app-migrations": helm.BACKEND_IMAGE,
        "todo-app-smoke-test-frontend": helm.BACKEND_IMAGE,
        "todo-app-smoke-test-backend": helm.BACKEND_IMAGE,
    }


def test_private_images_are_pulled_with_the_named_secret(environment: helm.Environment) -> None:
    release = helm.template(environment, {"imagePullSecrets": ["ghcr"]})
    for pod in release.pods().values():
        assert pod["spec"]["imagePullSecrets"] == [{"name": "ghcr"}]


def test_frontend_is_probed_on_its_page(release: helm.Release) -> None:
    frontend = container(release, "frontend")
    assert frontend["ports"] == [{"name": "http", "containerPort": 8080}]
    for probe in ("readinessProbe", "livenessProbe"):
        assert frontend[probe]["httpGet"] == {"path": "/", "port": "http"}


def test_backend_is_probed_for_life_and_for_readiness(release: helm.Release) -> None:
    backend = container(release, "backend")
    assert backend["ports"] == [{"name": "http", "containerPort": 8000}]
    assert backend["livenessProbe"]["httpGet"] == {"path": "/api/health", "port": "http"}
    assert backend["readinessProbe"]["httpGet"] == {"path": "/api/ready", "port": "http"}
    assert backend["startupProbe"]["httpGet"] == {"path": "/api/health", "port": "http"}
    assert backend["startupProbe"]["periodSeconds"] * backend["startupProbe"]["failureThreshold"] >= 60


@pytest.mark.parametrize("app", APPS)
def test_a_rollout_never_serves_with_fewer_pods(release: helm.Release, app: str) -> None:
    spec = release.kind("Deployment")[app]["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert container(release, app)["lifecycle"]["preStop"] == {"sleep": {"seconds": 5}}


@pytest.mark.parametrize("app", APPS)
def test_a_stuck_rollout_is_named_before_helm_gives_up(release: helm.Release, app: str) -> None:
    assert release.kind("Deployment")[app]["spec"]["progressDeadlineSeconds"] < 300


@pytest.mark.parametrize("app", APPS)
def test_a_rollout_has_as_long_as_the_release_says(environment: helm.Environment, app: str) -> None:
    deployments = helm.template(environment, {"deadlineSeconds": 960}).kind("Deployment")
    assert deployments[app]["spec"]["progressDeadlineSeconds"] == 960


def test_abort_service_has_no_pods_and_names_its_revision(release: helm.Release) -> None:
    service = release.kind("Service")["todo-app-rollout"]
    assert service["spec"] == {"clusterIP": "None"}
    assert service["metadata"]["annotations"] == {"todo-oke.pulumi.com/revision": "1"}


@pytest.mark.parametrize("app", APPS)
def test_replicas_spread_but_never_wait_for_it(release: helm.Release, app: str) -> None:
    template = release.pods()[app]
    for constraint in template["spec"]["topologySpreadConstraints"]:
        assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
        assert constraint["labelSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        assert constraint["matchLabelKeys"] == ["pod-template-hash"]


@pytest.mark.parametrize("app", APPS)
def test_only_oke_spreads_over_zones(app: str) -> None:
    # The scheduler leaves out a node that lacks one of the labels, and no node of kwok or kind has a zone.
    keys = {
        environment: [constraint["topologyKey"] for constraint in spec["topologySpreadConstraints"]]
        for environment in helm.ENVIRONMENTS
        for spec in [helm.template(environment).pods()[app]["spec"]]
    }
    assert keys == {
        "oke": ["kubernetes.io/hostname", "topology.kubernetes.io/zone"],
        "local": ["kubernetes.io/hostname"],
    }


@pytest.mark.parametrize("app", APPS)
def test_a_drain_takes_one_pod_at_a_time_and_always_one(release: helm.Release, app: str) -> None:
    budget = release.kind("PodDisruptionBudget")[app]["spec"]
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert budget["selector"]["matchLabels"].items() <= release.pods()[app]["metadata"]["labels"].items()


@pytest.mark.parametrize("app", APPS)
def test_two_replicas_survive_a_node(release: helm.Release, app: str) -> None:
    assert release.kind("Deployment")[app]["spec"]["replicas"] == 2


@pytest.mark.parametrize("app", APPS)
def test_an_autoscaler_owns_the_number_of_replicas(environment: helm.Environment, app: str) -> None:
    scaling = {"enabled": True, "minReplicas": 3, "maxReplicas": 5, "targetCPUUtilizationPercentage": 60}
    release = helm.template(environment, {app: {"autoscaling": scaling}})

    assert set(release.kind("HorizontalPodAutoscaler")) == {app}
    autoscaler = release.kind("HorizontalPodAutoscaler")[app]["spec"]
    assert autoscaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": app}
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (3, 5)
    (metric,) = autoscaler["metrics"]
    assert metric["containerResource"] == {
        "container": container(release, app)["name"],
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 60},
    }

    scaled = {name: "replicas" not in deployment["spec"] for name, deployment in release.kind("Deployment").items()}
    assert scaled == {name: name == app for name in APPS}


def test_the_app_sees_only_its_own_variables(full_release: helm.Release) -> None:
    for pod in full_release.pods().values():
        assert pod["spec"]["enableServiceLinks"] is False


def test_only_tmp_can_be_written_and_only_so_much(full_release: helm.Release) -> None:
    for pod in ("frontend", "backend", "todo-app-migrations"):
        (mount,) = container(full_release, pod)["volumeMounts"]
        assert mount == {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108 - in the container
        volumes = {volume["name"]: volume for volume in full_release.pods()[pod]["spec"]["volumes"]}
        assert volumes["tmp"]["emptyDir"] == {"sizeLimit": "64Mi"}
