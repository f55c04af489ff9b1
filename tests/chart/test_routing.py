import pytest

from tests.support import helm


@pytest.mark.parametrize("app", ["frontend", "backend"])
def test_a_service_reaches_the_pods_of_its_deployment_alone(full_release: helm.Release, app: str) -> None:
    service = full_release.kind("Service")[app]["spec"]
    pods = full_release.pods()
    selected = [name for name in pods if service["selector"].items() <= pods[name]["metadata"]["labels"].items()]

    assert selected == [app]
    assert service["selector"]["app.kubernetes.io/instance"] == helm.RELEASE  # not the pods of another release
    named = {port["name"] for port in full_release.container(app)["ports"]}
    assert {port["targetPort"] for port in service["ports"]} <= named


def test_the_ingress_routes_api_to_the_backend_and_the_rest_to_the_frontend(release: helm.Release) -> None:
    (rule,) = release.of("Ingress")["spec"]["rules"]
    routes = {path["path"]: path["backend"]["service"] for path in rule["http"]["paths"]}

    assert {path: service["name"] for path, service in routes.items()} == {"/": "frontend", "/api": "backend"}
    for service in routes.values():
        assert service["port"] in [
            {"name": port["name"]} for port in release.kind("Service")[service["name"]]["spec"]["ports"]
        ]


def test_without_a_host_the_ingress_serves_any_address_over_http(release: helm.Release) -> None:
    ingress = release.of("Ingress")

    assert ingress["spec"]["rules"][0]["host"] == ""
    assert "tls" not in ingress["spec"]


@pytest.mark.parametrize("host", ["todo.example.org", ""])
def test_host_certificate_and_annotations_are_settings(environment: helm.Environment, host: str) -> None:
    annotations = {"cert-manager.io/issuer": "letsencrypt"}
    settings = {"className": "other", "host": host, "tls": {"secretName": "todo-tls"}, "annotations": annotations}

    ingress = helm.template(environment, {"ingress": settings}).of("Ingress")

    assert ingress["spec"]["ingressClassName"] == "other"
    assert ingress["spec"]["rules"][0]["host"] == host
    assert ingress["spec"]["tls"] == [{"secretName": "todo-tls", **({"hosts": [host]} if host else {})}]
    assert ingress["metadata"]["annotations"] == annotations
