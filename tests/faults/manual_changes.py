"""Manual changes to the cluster or GitHub. The user sees them in the next preview."""

import json

from tests.support.faults.case import RECOVER, REFRESH, UP_ALONE, case
from tests.support.faults.sandbox import Sandbox

_PATCH = '{"stringData": {"username": "by-hand", "more": "by-hand"}}'


def _preview(sandbox: Sandbox, *arguments: str) -> str:
    """Return the operations of a preview in one line."""
    printed = sandbox.project.do("pulumi", "preview", "--json", *arguments)
    changes = json.loads(printed)["changeSummary"]
    counts = ", ".join(f"{changes[kind]} to {kind}" for kind in sorted(changes.keys() - {"same", "read"}))
    return f"preview: {counts or 'no changes'}"


@case("a secret is deleted by hand", REFRESH, may_replace="Secret default/kafka-secrets")
def _secret_deleted(sandbox: Sandbox) -> str:
    sandbox.kubectl("delete", "secret", "kafka-secrets")
    return _preview(sandbox, "--refresh")


@case("a secret is changed by hand", REFRESH)
def _secret_changed(sandbox: Sandbox) -> str:
    sandbox.kubectl("patch", "secret", "kafka-secrets", "--patch", _PATCH)
    return _preview(sandbox, "--refresh")


@case("a secret is made by hand where the stack's own was", REFRESH, may_replace="Secret default/kafka-secrets")
def _secret_made(sandbox: Sandbox) -> str:
    sandbox.kubectl("delete", "secret", "kafka-secrets")
    sandbox.project.do("pulumi", "refresh", "--yes", "--skip-preview")
    sandbox.kubectl("create", "secret", "generic", "kafka-secrets", "--from-literal=username=by-hand")
    return _preview(sandbox)


@case("a Dapr component is deleted by hand", REFRESH, may_replace="Component default/todo-state")
def _component_deleted(sandbox: Sandbox) -> str:
    sandbox.kubectl("delete", "components.dapr.io", "todo-state")
    return _preview(sandbox, "--refresh")


@case(
    "Dapr's definition of components is deleted by hand",
    REFRESH,
    may_replace="Component |components.dapr.io",
)
def _definition_deleted(sandbox: Sandbox) -> str:
    sandbox.kubectl("delete", "customresourcedefinition", "components.dapr.io")
    return _preview(sandbox, "--refresh")


@case("a deployment is deleted by hand", may_replace="Deployment default/backend")
def _deployment_deleted(sandbox: Sandbox) -> str:
    sandbox.kubectl("delete", "deployment", "backend")
    return _preview(sandbox)


@case("a deployment is changed by hand")
def _deployment_changed(sandbox: Sandbox) -> str:
    sandbox.kubectl("scale", "deployment/frontend", "--replicas=1")
    sandbox.kubectl("set", "image", "deployment/backend", "backend=example.com/by-hand:1")
    return _preview(sandbox)


@case("the release is uninstalled by hand", REFRESH, RECOVER, may_replace=r"\(Helm\)")
def _uninstalled(sandbox: Sandbox) -> str:
    sandbox.project.do("helm", "uninstall", "todo-app", "--wait")
    return _preview(sandbox, "--refresh")


@case("Helm's records of the release are deleted by hand", REFRESH, RECOVER)
def _records_deleted(sandbox: Sandbox) -> str:
    sandbox.kubectl("delete", "secrets", "--selector", "owner=helm,name=todo-app")
    return _preview(sandbox, "--refresh")


@case("Dapr's namespace is deleted by hand", REFRESH, may_replace="dapr")
def _namespace_deleted(sandbox: Sandbox) -> str:
    sandbox.kubectl("delete", "namespace", "dapr-system", "--timeout=60s")
    return _preview(sandbox, "--refresh")


@case("the deployer's token is deleted by hand", REFRESH, may_replace="Secret default/todo-app-deployer-token")
def _token_deleted(sandbox: Sandbox) -> str:
    sandbox.kubectl("delete", "secret", "todo-app-deployer-token")
    return _preview(sandbox, "--refresh")


@case("a secret on GitHub is changed by hand", UP_ALONE)
def _github_secret_changed(sandbox: Sandbox) -> str:
    sandbox.doubles.github.edit_secret("DATABASE_URL", "by hand")
    return _preview(sandbox)


@case("a secret on GitHub is deleted by hand", UP_ALONE)
def _github_secret_deleted(sandbox: Sandbox) -> str:
    sandbox.doubles.github.cloud.remove("todo:production:KAFKA_PASSWORD")
    return _preview(sandbox)


@case("the environment on GitHub is deleted by hand", REFRESH)
def _github_environment_deleted(sandbox: Sandbox) -> str:
    cloud = sandbox.doubles.github.cloud
    for type_ in ("ActionsEnvironmentSecret", "ActionsEnvironmentVariable", "RepositoryEnvironmentDeploymentPolicy"):
        for id_ in cloud.all(type_):
            cloud.remove(id_)
    cloud.remove("todo:production")
    return _preview(sandbox, "--refresh")
