from tests.support import helm

APP_KEYS = {"cohere-api-key", "better-auth-secret", "database-url"}


def references(release: helm.Release, pod: str) -> dict[str, tuple[str, str]]:
    """Environment variable -> (Secret, key)."""
    (container,) = release.pods()[pod]["spec"]["containers"]
    secrets = {it["name"]: it["valueFrom"]["secretKeyRef"] for it in container.get("env", []) if "valueFrom" in it}
    return {name: (reference["name"], reference["key"]) for name, reference in secrets.items()}


def test_the_chart_creates_no_secret(full_release: helm.Release) -> None:
    assert full_release.kind("Secret") == {}


def test_backend_reads_the_documents_secrets(release: helm.Release) -> None:
    assert references(release, "backend") == {
        "COHERE_API_KEY": ("app-secrets", "cohere-api-key"),
        "BETTER_AUTH_SECRET": ("app-secrets", "better-auth-secret"),
        "DATABASE_URL": ("app-secrets", "database-url"),
    }


def test_every_other_pod_reads_what_it_needs(full_release: helm.Release) -> None:
    others = {pod: references(full_release, pod) for pod in full_release.pods() if pod != "backend"}
    assert others == {
        "frontend": {},
        "todo-app-migrations": {"DATABASE_URL": ("app-secrets", "database-url")},
        "todo-app-smoke-test-frontend": {},
        "todo-app-smoke-test-backend": {},
    }


def test_secret_names_are_settings(environment: helm.Environment) -> None:
    names = {"app": "other-app", "kafka": "other-kafka"}
    release = helm.template(environment, {"secrets": names})
    used = {reference for pod in release.pods() for reference in references(release, pod).values()}
    assert used == {("other-app", key) for key in APP_KEYS}
    (rule,) = release.kind("Role")["backend"]["rules"]
    assert rule["resourceNames"] == ["other-app", "other-kafka"]


def changed(before: helm.Release, after: helm.Release) -> list[str]:
    """The names of the objects that differ."""
    return [new["metadata"]["name"] for old, new in zip(before.manifests, after.manifests, strict=True) if old != new]


def test_a_changed_secret_rolls_the_backend_alone(environment: helm.Environment) -> None:
    before, after = (
        helm.template(environment, {"backend": {"secretChecksums": {"app-secrets": checksum}}})
        for checksum in ("0123", "4567")
    )
    assert before.pods()["backend"]["metadata"]["annotations"]["checksum/app-secrets"] == "0123"

    assert changed(before, after) == ["backend"]
    old, new = (release.kind("Deployment")["backend"]["spec"] for release in (before, after))
    assert old["template"]["spec"] == new["template"]["spec"]
    assert {**old, "template": None} == {**new, "template": None}


def test_what_a_sidecar_reads_at_its_start_rolls_the_backend(environment: helm.Environment) -> None:
    before, after = (helm.template(environment, {"dapr": {"checksum": checksum}}) for checksum in ("0123", "4567"))

    assert before.pods()["backend"]["metadata"]["annotations"]["checksum/dapr"] == "0123"
    assert changed(before, after) == ["backend"]


def test_checksums_work_without_dapr(environment: helm.Environment) -> None:
    release = helm.template(
        environment, {"backend": {"secretChecksums": {"app-secrets": "0123"}}, "dapr": {"enabled": False}}
    )
    assert release.pods()["backend"]["metadata"]["annotations"] == {"checksum/app-secrets": "0123"}
