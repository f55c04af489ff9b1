from tests.support import helm

WITHOUT_DAPR: helm.Values = {"dapr": {"enabled": False}}


def annotations(release: helm.Release, pod: str) -> dict[str, str]:
    return release.pods()[pod]["metadata"].get("annotations", {})


def test_the_settings_of_the_sidecar_are_annotations_of_the_backend(environment: helm.Environment) -> None:
    resources = {"requests": {"cpu": "11m", "memory": "12Mi"}, "limits": {"cpu": "13m", "memory": "14Mi"}}
    dapr = {"appId": "todos", "config": "tracing", "logLevel": "debug", "resources": resources}

    release = helm.template(environment, {"dapr": dapr})

    assert annotations(release, "backend").items() >= {
        "dapr.io/enabled": "true",
        "dapr.io/app-id": "todos",
        "dapr.io/app-port": str(release.container("backend")["ports"][0]["containerPort"]),
        "dapr.io/config": "tracing",
        "dapr.io/log-level": "debug",
        "dapr.io/sidecar-cpu-request": "11m",
        "dapr.io/sidecar-memory-request": "12Mi",
        "dapr.io/sidecar-cpu-limit": "13m",
        "dapr.io/sidecar-memory-limit": "14Mi",
    }.items()  # fmt: skip


def test_no_other_pod_gets_a_sidecar(full_release: helm.Release) -> None:
    assert [pod for pod in full_release.pods() if "dapr.io/enabled" in annotations(full_release, pod)] == ["backend"]


def test_the_backend_publishes_to_the_topic_of_the_subscription(environment: helm.Environment) -> None:
    release = helm.template(environment, {"dapr": {"topic": "events"}})

    assert {"name": "EVENTS_TOPIC", "value": "events"} in release.container("backend")["env"]


def test_the_sidecar_outlives_the_app_within_the_grace_period(release: helm.Release) -> None:
    grace_period = release.pods()["backend"]["spec"]["terminationGracePeriodSeconds"]
    pre_stop = release.container("backend")["lifecycle"]["preStop"]["sleep"]["seconds"]
    block = int(annotations(release, "backend")["dapr.io/block-shutdown-duration"].removesuffix("s"))
    drain = 25  # DRAIN_SECONDS of backend/todo/server.py
    sidecar_shutdown = 5  # DefaultGracefulShutdownDuration in daprd's pkg/runtime/config.go

    assert pre_stop + drain < block < grace_period - sidecar_shutdown


def test_the_sidecar_alone_holds_a_token_where_a_client_looks_for_it(full_release: helm.Release) -> None:
    for name, pod in full_release.pods().items():
        assert pod["spec"]["automountServiceAccountToken"] is False
        tokens = {volume["name"]: volume for volume in pod["spec"].get("volumes", []) if "projected" in volume}
        assert bool(tokens) == (name == "backend")
        for container in pod["spec"]["containers"]:
            assert not tokens.keys() & {mount["name"] for mount in container.get("volumeMounts", [])}
    for account in full_release.kind("ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False
    mounted, _, path = annotations(full_release, "backend")["dapr.io/volume-mounts"].partition(":")
    (token,) = (each for each in full_release.pods()["backend"]["spec"]["volumes"] if each["name"] == mounted)
    assert path == "/var/run/secrets/kubernetes.io/serviceaccount"
    assert {"serviceAccountToken": {"path": "token"}} in token["projected"]["sources"]


def test_the_token_reads_the_two_secrets_by_name_alone(release: helm.Release) -> None:
    (rule,) = release.of("Role")["rules"]
    binding = release.of("RoleBinding")

    assert (rule["resources"], rule["verbs"]) == (["secrets"], ["get"])
    assert rule["resourceNames"] == ["app-secrets", "kafka-secrets"]
    assert binding["roleRef"]["name"] == release.of("Role")["metadata"]["name"]
    (subject,) = binding["subjects"]
    accounts = {name: pod["spec"].get("serviceAccountName") for name, pod in release.pods().items()}
    assert [name for name, account in accounts.items() if account == subject["name"]] == ["backend"]


def test_without_dapr_the_release_has_none_of_its_parts(environment: helm.Environment) -> None:
    release = helm.template(environment, WITHOUT_DAPR)

    assert annotations(release, "backend") == {}
    assert release.kind("Role") == release.kind("RoleBinding") == {}
    assert all("projected" not in volume for volume in release.pods()["backend"]["spec"]["volumes"])
    assert all("valueFrom" in variable for variable in release.container("backend")["env"])
