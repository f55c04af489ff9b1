from tests.support import helm


def annotations(release: helm.Release, pod: str) -> dict[str, str]:
    return release.pods()[pod]["metadata"].get("annotations", {})


def test_the_backend_gets_a_sidecar(environment: helm.Environment) -> None:
    resources = {"requests": {"cpu": "11m", "memory": "12Mi"}, "limits": {"cpu": "13m", "memory": "14Mi"}}
    release = helm.template(
        environment, {"dapr": {"appId": "todos", "config": "tracing", "logLevel": "debug", "resources": resources}}
    )
    assert annotations(release, "backend") == {
        "dapr.io/enabled": "true",
        "dapr.io/app-id": "todos",
        "dapr.io/app-port": "8000",
        "dapr.io/config": "tracing",
        "dapr.io/log-level": "debug",
        "dapr.io/log-as-json": "true",
        "dapr.io/sidecar-cpu-request": "11m",
        "dapr.io/sidecar-memory-request": "12Mi",
        "dapr.io/sidecar-cpu-limit": "13m",
        "dapr.io/sidecar-memory-limit": "14Mi",
        "dapr.io/block-shutdown-duration": "32s",
        "dapr.io/volume-mounts": "kube-api-access:/var/run/secrets/kubernetes.io/serviceaccount",
    }


def test_no_other_pod_gets_a_sidecar(full_release: helm.Release) -> None:
    injected = [
        pod
        for pod in full_release.pods()
        if any(name.startswith("dapr.io/") for name in annotations(full_release, pod))
    ]
    assert injected == ["backend"]


def test_the_sidecar_talks_to_the_port_that_the_backend_listens_on(release: helm.Release) -> None:
    (container,) = release.pods()["backend"]["spec"]["containers"]
    assert annotations(release, "backend")["dapr.io/app-port"] == str(container["ports"][0]["containerPort"])


def environment_of(release: helm.Release, pod: str) -> dict[str, str]:
    (container,) = release.pods()[pod]["spec"]["containers"]
    return {it["name"]: it["value"] for it in container.get("env", []) if "value" in it}


def test_the_backend_publishes_to_the_topic_of_the_subscription(environment: helm.Environment) -> None:
    release = helm.template(environment, {"dapr": {"topic": "events"}})
    assert environment_of(release, "backend") == {"EVENTS_TOPIC": "events"}


def test_without_dapr_the_backend_publishes_nothing(environment: helm.Environment) -> None:
    assert environment_of(helm.template(environment, {"dapr": {"enabled": False}}), "backend") == {}


def test_the_sidecar_outlives_the_app_within_the_grace_period(release: helm.Release) -> None:
    spec = release.pods()["backend"]["spec"]
    (container,) = spec["containers"]
    block = int(annotations(release, "backend")["dapr.io/block-shutdown-duration"].removesuffix("s"))
    drain = 25  # DRAIN_SECONDS of backend/todo/server.py
    sidecar_shutdown = 5  # DefaultGracefulShutdownDuration in daprd's pkg/runtime/config.go
    assert (
        container["lifecycle"]["preStop"]["sleep"]["seconds"] + drain
        < block
        < spec["terminationGracePeriodSeconds"] - sidecar_shutdown
    )


def test_the_sidecar_alone_holds_a_token(full_release: helm.Release) -> None:
    for name, pod in full_release.pods().items():
        assert pod["spec"]["automountServiceAccountToken"] is False
        tokens = [volume["name"] for volume in pod["spec"].get("volumes", []) if "projected" in volume]
        assert tokens == (["kube-api-access"] if name == "backend" else [])
        for container in pod["spec"]["containers"]:
            assert not set(tokens) & {mount["name"] for mount in container.get("volumeMounts", [])}
    for account in full_release.kind("ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False


def test_the_token_is_where_a_kubernetes_client_looks(release: helm.Release) -> None:
    volumes = {volume["name"]: volume for volume in release.pods()["backend"]["spec"]["volumes"]}
    token, authority = volumes["kube-api-access"]["projected"]["sources"]
    assert token == {"serviceAccountToken": {"path": "token"}}
    assert authority == {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}


def test_the_token_reads_two_secrets_and_nothing_else(release: helm.Release) -> None:
    role = release.kind("Role")["backend"]
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": ["app-secrets", "kafka-secrets"],
            "verbs": ["get"],
        }
    ]
    binding = release.kind("RoleBinding")["backend"]
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "backend"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "backend", "namespace": "default"}]
    accounts = {name: pod["spec"].get("serviceAccountName") for name, pod in release.pods().items()}
    assert [name for name, account in accounts.items() if account == "backend"] == ["backend"]


def test_without_dapr_nothing_of_it_is_left(environment: helm.Environment) -> None:
    release = helm.template(environment, {"dapr": {"enabled": False}})
    assert annotations(release, "backend") == {}
    assert release.kind("Role") == release.kind("RoleBinding") == {}
    assert [volume["name"] for volume in release.pods()["backend"]["spec"]["volumes"]] == ["tmp"]
