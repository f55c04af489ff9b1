import pytest
import yaml

from tests.support import helm

APPS = ("frontend", "backend")
HELM_TIMEOUT = 300  # seconds, by default


def test_every_object_carries_the_recommended_labels(full_release: helm.Release) -> None:
    # https://helm.sh/docs/chart_best_practices/labels/
    chart = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())
    for manifest in full_release.manifests:
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == chart["name"]
        assert labels["app.kubernetes.io/instance"] == helm.RELEASE
        if manifest["kind"] != "Pod":
            assert labels["app.kubernetes.io/managed-by"] == "Helm"
            assert labels["helm.sh/chart"] == f"{chart['name']}-{chart['version']}"


def test_pod_labels_do_not_change_with_the_chart(full_release: helm.Release) -> None:
    for pod in full_release.pods().values():
        assert set(pod["metadata"]["labels"]) == {"app", "app.kubernetes.io/name", "app.kubernetes.io/instance"}


@pytest.mark.parametrize("app", APPS)
def test_every_app_has_its_objects_and_they_select_its_pods(full_release: helm.Release, app: str) -> None:
    labels = full_release.pods()[app]["metadata"]["labels"].items()
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert full_release.kind(kind)[app]["spec"]["selector"]["matchLabels"].items() <= labels
    assert full_release.kind("NetworkPolicy")[app]["spec"]["podSelector"]["matchLabels"].items() <= labels
    assert full_release.kind("HorizontalPodAutoscaler")[app]["spec"]["scaleTargetRef"]["name"] == app
    assert full_release.pods()[app]["spec"]["serviceAccountName"] in full_release.kind("ServiceAccount")


def test_images_are_the_given_ones(full_release: helm.Release) -> None:
    for name in full_release.pods():
        expected = helm.FRONTEND_IMAGE if name == "frontend" else helm.BACKEND_IMAGE
        assert full_release.container(name)["image"] == expected


def test_private_images_are_pulled_with_the_named_secret(environment: helm.Environment) -> None:
    for pod in helm.template(environment, {"imagePullSecrets": ["ghcr"]}).pods().values():
        assert pod["spec"]["imagePullSecrets"] == [{"name": "ghcr"}]


@pytest.mark.parametrize("app", APPS)
def test_every_app_is_probed_on_the_port_that_it_listens_on(release: helm.Release, app: str) -> None:
    container = release.container(app)
    ports = {port["name"] for port in container["ports"]}
    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports


def test_a_lost_database_makes_the_backend_unready_but_restarts_nothing(release: helm.Release) -> None:
    backend = release.container("backend")
    startup = backend["startupProbe"]

    assert backend["readinessProbe"]["httpGet"]["path"] != backend["livenessProbe"]["httpGet"]["path"]
    assert startup["httpGet"] == backend["livenessProbe"]["httpGet"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 60


@pytest.mark.parametrize("app", APPS)
def test_a_rollout_never_serves_with_fewer_pods(release: helm.Release, app: str) -> None:
    deployment = release.kind("Deployment")[app]["spec"]

    assert deployment["replicas"] >= 2
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert release.container(app)["lifecycle"]["preStop"]["sleep"]["seconds"] > 0


def test_a_stuck_rollout_or_migration_is_named_before_helm_gives_up(environment: helm.Environment) -> None:
    release = helm.template(environment)
    for deployment in release.kind("Deployment").values():
        assert deployment["spec"]["progressDeadlineSeconds"] < HELM_TIMEOUT
    assert release.of("Job")["spec"]["activeDeadlineSeconds"] < HELM_TIMEOUT
    longer = helm.template(environment, {"deadlineSeconds": 960})
    for deployment in longer.kind("Deployment").values():
        assert deployment["spec"]["progressDeadlineSeconds"] == 960
    assert longer.of("Job")["spec"]["activeDeadlineSeconds"] == 960
    assert longer.of("Job")["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_the_abort_service_has_no_pods_and_names_its_revision(release: helm.Release) -> None:
    service = release.kind("Service")["todo-app-rollout"]

    assert service["spec"] == {"clusterIP": "None"}
    assert service["metadata"]["annotations"] == {"todo-oke.pulumi.com/revision": "1"}


@pytest.mark.parametrize("app", APPS)
def test_replicas_spread_without_waiting_for_it(release: helm.Release, app: str) -> None:
    template = release.pods()[app]
    for constraint in template["spec"]["topologySpreadConstraints"]:
        assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
        assert constraint["labelSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        assert constraint["matchLabelKeys"] == ["pod-template-hash"]


@pytest.mark.parametrize("app", APPS)
def test_replicas_spread_over_zones_on_oke_alone(release: helm.Release, environment: str, app: str) -> None:
    # The scheduler leaves out a node that lacks one of the labels, and no node of kwok or kind has a zone.
    keys = [each["topologyKey"] for each in release.pods()[app]["spec"]["topologySpreadConstraints"]]

    assert "kubernetes.io/hostname" in keys
    assert ("topology.kubernetes.io/zone" in keys) == (environment == "oke")


@pytest.mark.parametrize("app", APPS)
def test_a_drain_evicts_one_pod_at_a_time_but_never_waits_for_ever(release: helm.Release, app: str) -> None:
    budget = release.kind("PodDisruptionBudget")[app]["spec"]

    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@pytest.mark.parametrize("app", APPS)
def test_an_autoscaler_owns_the_number_of_replicas(environment: helm.Environment, app: str) -> None:
    scaling = {"enabled": True, "minReplicas": 3, "maxReplicas": 5, "targetCPUUtilizationPercentage": 60}
    release = helm.template(environment, {app: {"autoscaling": scaling}})
    autoscaler = release.of("HorizontalPodAutoscaler")
    (metric,) = autoscaler["spec"]["metrics"]

    assert autoscaler["metadata"]["name"] == app
    assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (3, 5)
    assert metric["containerResource"]["container"] == release.container(app)["name"]
    assert metric["containerResource"]["target"]["averageUtilization"] == 60
    for name, deployment in release.kind("Deployment").items():
        assert ("replicas" in deployment["spec"]) == (name != app)
