import pytest

from tests.support import helm


@pytest.mark.parametrize("app", ["frontend", "backend"])
def test_a_service_reaches_its_pods_and_no_others(full_release: helm.Release, app: str) -> None:
    service = full_release.kind("Service")[app]["spec"]
    reached = [
        name
        for name, pod in full_release.pods().items()
        if service["selector"].items() <= pod["metadata"]["labels"].items()
    ]
    assert reached == [app]
    assert service["selector"]["app.kubernetes.io/instance"] == "todo-app"
    (port,) = service["ports"]
    assert port == {"name": "http", "port": 80, "targetPort": "http"}
    (container,) = full_release.pods()[app]["spec"]["containers"]
    assert port["targetPort"] in {named["name"] for named in container["ports"]}


def test_the_ingress_sends_api_to_the_backend_and_the_rest_to_the_frontend(release: helm.Release) -> None:
    ingress = release.kind("Ingress")["todo-app-ingress"]
    assert ingress["spec"]["ingressClassName"] == "traefik"
    (rule,) = ingress["spec"]["rules"]
    routes = {path["path"]: (path["pathType"], path["backend"]["service"]) for path in rule["http"]["paths"]}
    assert routes == {
        "/": ("Prefix", {"name": "frontend", "port": {"name": "http"}}),
        "/api": ("Prefix", {"name": "backend", "port": {"name": "http"}}),
    }


def test_without_a_host_any_address_answers_over_plain_http(release: helm.Release) -> None:
    ingress = release.kind("Ingress")["todo-app-ingress"]
    assert ingress["spec"]["rules"][0]["host"] == ""
    assert "tls" not in ingress["spec"]
    assert "annotations" not in ingress["metadata"]


def test_host_tls_and_annotations(environment: helm.Environment) -> None:
    ingress = helm.template(
        environment,
        {
            "ingress": {
                "className": "other",
                "host": "todo.example.org",
                "tls": {"secretName": "todo-tls"},
                "annotations": {"cert-manager.io/issuer": "letsencrypt"},
            }
        },
    ).kind("Ingress")["todo-app-ingress"]
    assert ingress["spec"]["ingressClassName"] == "other"
    assert ingress["spec"]["rules"][0]["host"] == "todo.example.org"
    assert ingress["spec"]["tls"] == [{"secretName": "todo-tls", "hosts": ["todo.example.org"]}]
    assert ingress["metadata"]["annotations"] == {"cert-manager.io/issuer": "letsencrypt"}


def test_tls_without_a_host_names_none(environment: helm.Environment) -> None:
    ingress = helm.template(environment, {"ingress": {"tls": {"secretName": "todo-tls"}}}).kind("Ingress")[
        "todo-app-ingress"
    ]
    assert ingress["spec"]["tls"] == [{"secretName": "todo-tls"}]
