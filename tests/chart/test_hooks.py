from urllib.parse import urlsplit

import pytest

from tests.support import helm


def hook(manifest: helm.Manifest) -> dict[str, str]:
    annotations = manifest["metadata"].get("annotations", {})
    return {name.removeprefix("helm.sh/"): value for name, value in annotations.items() if name.startswith("helm.sh/")}


def test_migrations_run_before_each_install_and_upgrade(release: helm.Release) -> None:
    assert hook(release.of("Job"))["hook"] == "pre-install,pre-upgrade"
    assert release.container("todo-app-migrations")["command"] == ["alembic", "upgrade", "head"]


def test_migrations_need_no_object_of_the_release(release: helm.Release) -> None:
    assert "serviceAccountName" not in release.pods()["todo-app-migrations"]["spec"]
    policy = hook(release.kind("NetworkPolicy")["todo-app-migrations"])
    assert policy["hook"] == hook(release.of("Job"))["hook"]
    assert int(policy["hook-weight"]) < int(hook(release.of("Job")).get("hook-weight", "0"))


def test_hooks_replace_and_remove_only_objects_of_this_release(full_release: helm.Release) -> None:
    # before-hook-creation deletes by name, and a namespace such as "default" is shared.
    for manifest in full_release.manifests:
        if hook(manifest):
            assert manifest["metadata"]["name"].startswith("todo-app-")
            assert hook(manifest)["hook-delete-policy"] == "before-hook-creation,hook-succeeded"


@pytest.mark.parametrize("app", ["frontend", "backend"])
def test_the_smoke_test_asks_each_service_within_its_deadline(release: helm.Release, app: str) -> None:
    pod = release.kind("Pod")[f"todo-app-smoke-test-{app}"]
    script, url = release.container(f"todo-app-smoke-test-{app}")["args"]

    assert hook(pod)["hook"] == "test"
    assert pod["spec"]["activeDeadlineSeconds"] <= 60
    compile(script, "smoke-test", "exec")
    assert urlsplit(url).hostname == app
    assert urlsplit(url).path == release.container(app)["livenessProbe"]["httpGet"]["path"]
