from collections.abc import Iterator

from tests.support import helm


def references(release: helm.Release, pod: str) -> Iterator[tuple[str, str, str]]:
    """Variables of a pod with the names and keys of their Secrets."""
    for variable in release.container(pod).get("env", []):
        if "valueFrom" in variable:
            reference = variable["valueFrom"]["secretKeyRef"]
            yield variable["name"], reference["name"], reference["key"]


def test_the_chart_creates_no_secret(full_release: helm.Release) -> None:
    assert full_release.kind("Secret") == {}


def test_pods_read_the_secrets_that_they_need(environment: helm.Environment) -> None:
    release = helm.template(environment, {"secrets": {"app": "other-app", "kafka": "other-kafka"}})
    read = {pod: {variable for variable, *_ in references(release, pod)} for pod in release.pods()}

    assert {pod: variables for pod, variables in read.items() if variables} == {
        "backend": {"COHERE_API_KEY", "BETTER_AUTH_SECRET", "DATABASE_URL"},
        "todo-app-migrations": {"DATABASE_URL"},
    }
    for variable, secret, key in references(release, "backend"):
        assert (secret, key) == ("other-app", variable.lower().replace("_", "-"))
    assert release.of("Role")["rules"][0]["resourceNames"] == ["other-app", "other-kafka"]


def changed(before: helm.Release, after: helm.Release) -> list[str]:
    """The names of the objects that differ."""
    return [new["metadata"]["name"] for old, new in zip(before.manifests, after.manifests, strict=True) if old != new]


def test_a_changed_secret_rolls_the_backend_alone(environment: helm.Environment) -> None:
    for key, values in {
        "checksum/app-secrets": lambda checksum: {"backend": {"secretChecksums": {"app-secrets": checksum}}},
        "checksum/dapr": lambda checksum: {"dapr": {"checksum": checksum}},
    }.items():
        before, after = (helm.template(environment, values(checksum)) for checksum in ("0123", "4567"))
        annotations = [release.pods()["backend"]["metadata"]["annotations"] for release in (before, after)]

        assert changed(before, after) == ["backend"]
        assert annotations[1] == {**annotations[0], key: "4567"}
        assert before.pods()["backend"]["spec"] == after.pods()["backend"]["spec"]


def test_checksums_work_without_dapr(environment: helm.Environment) -> None:
    values = {"backend": {"secretChecksums": {"app-secrets": "0123"}}, "dapr": {"enabled": False}}

    backend = helm.template(environment, values).pods()["backend"]

    assert backend["metadata"]["annotations"] == {"checksum/app-secrets": "0123"}
