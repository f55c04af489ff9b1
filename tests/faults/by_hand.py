"""What somebody did to the cluster or to GitHub behind the stack's back; what the user sees is the next preview."""

import json

from tests.faults.case import RECOVER, REFRESH, UP_ALONE, case
from tests.faults.site import Site

_PATCH = '{"stringData": {"username": "by-hand", "more": "by-hand"}}'


def _preview(site: Site, *arguments: str) -> str:
    """What a preview would do about it, in a line."""
    printed = site.project.do("pulumi", "preview", "--json", *arguments)
    changes = json.loads(printed)["changeSummary"]
    told = ", ".join(f"{changes[kind]} to {kind}" for kind in sorted(changes.keys() - {"same", "read"}))
    return f"preview: {told or 'no changes'}"


@case("a secret is deleted by hand", REFRESH, may_be_replaced="Secret default/kafka-secrets")
def _secret_deleted(site: Site) -> str:
    site.kubectl("delete", "secret", "kafka-secrets")
    return _preview(site, "--refresh")


@case("a secret is changed by hand", REFRESH)
def _secret_changed(site: Site) -> str:
    site.kubectl("patch", "secret", "kafka-secrets", "--patch", _PATCH)
    return _preview(site, "--refresh")


@case("a secret is made by hand where the stack's own was", REFRESH, may_be_replaced="Secret default/kafka-secrets")
def _secret_made(site: Site) -> str:
    site.kubectl("delete", "secret", "kafka-secrets")
    site.project.do("pulumi", "refresh", "--yes", "--skip-preview")
    site.kubectl("create", "secret", "generic", "kafka-secrets", "--from-literal=username=by-hand")
    return _preview(site)


@case("a Dapr component is deleted by hand", REFRESH, may_be_replaced="Component default/todo-state")
def _component_deleted(site: Site) -> str:
    site.kubectl("delete", "components.dapr.io", "todo-state")
    return _preview(site, "--refresh")


@case(
    "Dapr's definition of components is deleted by hand",
    REFRESH,
    may_be_replaced="Component |components.dapr.io",
)
def _definition_deleted(site: Site) -> str:
    site.kubectl("delete", "customresourcedefinition", "components.dapr.io")
    return _preview(site, "--refresh")


@case("a deployment is deleted by hand", may_be_replaced="Deployment default/backend")
def _deployment_deleted(site: Site) -> str:
    site.kubectl("delete", "deployment", "backend")
    return _preview(site)


@case("a deployment is changed by hand")
def _deployment_changed(site: Site) -> str:
    site.kubectl("scale", "deployment/frontend", "--replicas=1")
    site.kubectl("set", "image", "deployment/backend", "backend=example.com/by-hand:1")
    return _preview(site)


@case("the release is uninstalled by hand", REFRESH, RECOVER, may_be_replaced=r"\(Helm\)")
def _uninstalled(site: Site) -> str:
    site.project.do("helm", "uninstall", "todo-app", "--wait")
    return _preview(site, "--refresh")


@case("Helm's records of the release are deleted by hand", REFRESH, RECOVER)
def _records_deleted(site: Site) -> str:
    site.kubectl("delete", "secrets", "--selector", "owner=helm,name=todo-app")
    return _preview(site, "--refresh")


@case("Dapr's namespace is deleted by hand", REFRESH, may_be_replaced="dapr")
def _namespace_deleted(site: Site) -> str:
    site.kubectl("delete", "namespace", "dapr-system", "--timeout=60s")
    return _preview(site, "--refresh")


@case("the deployer's token is deleted by hand", REFRESH, may_be_replaced="Secret default/todo-app-deployer-token")
def _token_deleted(site: Site) -> str:
    site.kubectl("delete", "secret", "todo-app-deployer-token")
    return _preview(site, "--refresh")


@case("a secret on GitHub is changed by hand", UP_ALONE)
def _github_secret_changed(site: Site) -> str:
    site.doubles.github.edit_secret("DATABASE_URL", "by hand")
    return _preview(site)


@case("a secret on GitHub is deleted by hand", UP_ALONE)
def _github_secret_deleted(site: Site) -> str:
    site.doubles.github.cloud.remove("todo:production:KAFKA_PASSWORD")
    return _preview(site)


@case("the environment on GitHub is deleted by hand", REFRESH)
def _github_environment_deleted(site: Site) -> str:
    cloud = site.doubles.github.cloud
    for type_ in ("ActionsEnvironmentSecret", "ActionsEnvironmentVariable", "RepositoryEnvironmentDeploymentPolicy"):
        for id_ in cloud.all(type_):
            cloud.remove(id_)
    cloud.remove("todo:production")
    return _preview(site, "--refresh")
