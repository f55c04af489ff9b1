from urllib.parse import urlsplit

import pytest

from tests.support import helm


def hook(manifest: helm.Manifest) -> dict[str, str]:
    annotations = manifest["metadata"].get("annotations", {})
    return {name.removeprefix("helm.sh/"): value for name, value in annotations.items() if name.startswith("helm.sh/")}


def test_migrations_run_before_each_install_and_upgrade(environment: helm.Environment) -> None:
    job = helm.template(environment).kind("Job")["todo-app-migrations"]
    assert hook(job) == {"hook": "pre-install,pre-upgrade", "hook-delete-policy": "before-hook-creation,hook-succeeded"}
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["alembic", "upgrade", "head"]


def test_migrations_end_before_helm_gives_up(environment: helm.Environment) -> None:
    assert helm.template(environment).kind("Job")["todo-app-migrations"]["spec"]["activeDeadlineSeconds"] < 300


def test_migrations_have_as_long_as_the_release_says(environment: helm.Environment) -> None:
    job = helm.template(environment, {"deadlineSeconds": 960}).kind("Job")["todo-app-migrations"]["spec"]
    assert job["activeDeadlineSeconds"] == 960
    assert job["backoffLimit"] == 2
    assert job["template"]["spec"]["restartPolicy"] == "Never"


def test_migrations_need_nothing_that_the_release_has_yet_to_create(environment: helm.Environment) -> None:
    release = helm.template(environment)
    pod = release.pods()["todo-app-migrations"]["spec"]
    assert "serviceAccountName" not in pod
    policy = release.kind("NetworkPolicy")["todo-app-migrations"]
    assert hook(policy) == {**hook(release.kind("Job")["todo-app-migrations"]), "hook-weight": "-1"}


def test_without_network_policies_the_migrations_bring_none(environment: helm.Environment) -> None:
    release = helm.template(environment, {"networkPolicy": {"enabled": False}})
    assert "todo-app-migrations" in release.kind("Job")
    assert release.kind("NetworkPolicy") == {}


def test_hooks_replace_only_objects_of_this_release(full_release: helm.Release) -> None:
    # before-hook-creation deletes by name, and a namespace such as "default" is shared.
    for manifest in full_release.manifests:
        if hook(manifest):
            assert manifest["metadata"]["name"].startswith("todo-app-")


@pytest.mark.parametrize(("app", "path"), [("frontend", "/"), ("backend", "/api/health")])
def test_the_smoke_test_asks_each_service(release: helm.Release, app: str, path: str) -> None:
    pod = release.kind("Pod")[f"todo-app-smoke-test-{app}"]
    assert hook(pod) == {"hook": "test", "hook-delete-policy": "before-hook-creation,hook-succeeded"}
    assert pod["spec"]["activeDeadlineSeconds"] == 60
    (container,) = pod["spec"]["containers"]
    assert container["command"] == ["python", "-c"]
    script, address = container["args"]
    compile(script, "smoke-test", "exec")
    assert address == f"http://{app}{path}"
    assert urlsplit(address).hostname in release.kind("Service")
