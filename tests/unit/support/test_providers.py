"""The doubles of the cloud providers, without an engine."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from pulumi.runtime.proto import provider_pb2

from tests.support.providers import schema
from tests.support.providers.cloud import Cloud, CloudError
from tests.support.providers.github import Github
from tests.support.providers.images import Docker, DockerBuild, Registry
from tests.support.providers.oci import Oci
from tests.support.providers.provider import (
    ADD,
    ADD_REPLACE,
    DELETE,
    DELETE_REPLACE,
    UPDATE,
    UPDATE_REPLACE,
    CheckError,
    Resource,
)
from tests.support.providers.values import sent

ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
SECRET = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"
POLICY = "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
CLUSTER = "oci:ContainerEngine/cluster:Cluster"
VCN = "oci:Core/vcn:Vcn"
IMAGE = "docker-build:index:Image"

KUBECONFIG = yaml.safe_dump({"clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:1234"}}]})


def changed(token: str, old: dict[str, Any], new: dict[str, Any], state: dict[str, Any] | None = None) -> Resource:
    return Resource(token, "it", id="its-id", inputs=new, old_inputs=old, state=old if state is None else state)


def test_properties_are_updatable_optional_and_nested_as_in_the_sdk() -> None:
    outputs, inputs = schema.outputs(CLUSTER), schema.inputs(CLUSTER)

    assert inputs["kubernetesVersion"].updatable
    assert not inputs["vcnId"].updatable
    assert inputs["options"].nested == "ClusterOptionsArgs"
    assert outputs["endpointConfig"].optional
    assert not outputs["endpoints"].optional
    assert outputs["availableKubernetesUpgrades"].type == "Sequence[str]"
    assert schema.nested(CLUSTER, "ClusterEndpointConfigArgs").keys() >= {"subnetId", "nsgIds", "isPublicIpEnabled"}


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"name": "a"}, {"name": "a"}, {}),
        ({"name": "a"}, {"name": "b"}, {"name": UPDATE}),
        ({"vcnId": "a"}, {"vcnId": "b"}, {"vcnId": UPDATE_REPLACE}),
        ({"endpointConfig": {"subnetId": "a"}}, {}, {"endpointConfig": DELETE_REPLACE}),
        ({"endpointConfig": {"nsgIds": ["a"]}}, {}, {"endpointConfig": DELETE}),
        (
            {"endpointConfig": {"subnetId": "a", "nsgIds": ["a"]}},
            {"endpointConfig": {"subnetId": "a"}},
            {"endpointConfig.nsgIds": DELETE},
        ),
        ({"freeformTags": {"a": "b"}}, {}, {}),  # the cloud sets it
        ({}, {"kmsKeyId": "a"}, {"kmsKeyId": ADD_REPLACE}),
        ({}, {"freeformTags": {"a": "b"}}, {"freeformTags": ADD}),
        ({}, {"freeformTags": {}, "kmsKeyId": ""}, {}),
        (
            {"clusterPodNetworkOptions": [{"cniType": "a"}]},
            {"clusterPodNetworkOptions": [{"cniType": "b"}]},
            {"clusterPodNetworkOptions[0].cniType": UPDATE_REPLACE},
        ),
    ],
)
def test_changes_of_a_cluster_are_as_in_the_source_of_its_provider(
    old: dict[str, Any], new: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert Oci().changes(changed(CLUSTER, old, new)) == changes


def test_changes_of_other_types_are_as_in_their_documentation() -> None:
    policy = "oci:Identity/policy:Policy"

    assert Oci().changes(changed(policy, {"statements": ["a"]}, {"statements": ["b"]})) == {"statements": UPDATE}
    assert Oci().changes(changed(policy, {"name": "a"}, {"name": "b"})) == {"name": UPDATE_REPLACE}


def test_changes_are_compared_with_the_cloud() -> None:
    drifted = changed(VCN, {"displayName": "a"}, {"displayName": "a"}, state={"displayName": "by hand"})

    assert Oci().changes(drifted) == {"displayName": UPDATE}


def test_ignored_changes_are_none() -> None:
    old, new = {"freeformTags": {"a": "b"}, "displayName": "a"}, {"freeformTags": {"a": "c"}, "displayName": "b"}
    request = provider_pb2.DiffRequest(
        urn=f"urn:pulumi:test::todo::todo:network:Network${VCN}::it",
        olds=sent(old),
        old_inputs=sent(old),
        news=sent(new),
        ignoreChanges=["freeformTags.a", "displayName"],
    )
    connection = cast("Any", SimpleNamespace(peer=lambda: "ipv4:127.0.0.1:1"))

    assert list(Oci().Diff(request, connection).diffs) == ["freeformTags"]
    request.ignoreChanges.append("freeformTags")
    assert Oci().Diff(request, connection).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_missing_references_and_unsupported_versions_are_refused() -> None:
    oci = Oci()

    with pytest.raises(CloudError, match=r"404-NotAuthorizedOrNotFound, it names ocid1\.vcn\.oc1\."):
        oci.create(Resource("oci:Core/subnet:Subnet", "it", inputs={"vcnId": oci.ocid("vcn")}))
    with pytest.raises(CloudError, match=r"Kubernetes version v1\.1\.1 is not supported"):
        oci.create(Resource(CLUSTER, "it", inputs={"kubernetesVersion": "v1.1.1"}))


def test_the_defaults_of_a_network_live_as_long_as_the_network() -> None:
    oci = Oci()
    network, state = oci.create(Resource(VCN, "it", inputs={"cidrBlocks": ["10.0.0.0/16"]}))
    rules = {"manageDefaultResourceId": state["defaultSecurityListId"]}
    managed, _ = oci.create(Resource("oci:Core/defaultSecurityList:DefaultSecurityList", "it", inputs=rules))
    inputs = {"vcnId": network, "routeTableId": state["defaultRouteTableId"]}
    subnet, _ = oci.create(Resource("oci:Core/subnet:Subnet", "it", inputs=inputs))

    with pytest.raises(CloudError, match="409-Conflict, Vcn it is in use by Subnet"):
        oci.delete(Resource(VCN, "it", id=network))
    oci.delete(Resource("oci:Core/subnet:Subnet", "it", id=subnet))
    oci.delete(Resource("oci:Core/defaultSecurityList:DefaultSecurityList", "it", id=managed))
    oci.delete(Resource(VCN, "it", id=network))


def test_a_cluster_has_the_api_server_of_a_test() -> None:
    oci = Oci(kubeconfig=KUBECONFIG)

    inputs = {"kubernetesVersion": "v1.33.1", "endpointConfig": {"isPublicIpEnabled": True}}
    id_, state = oci.create(Resource(CLUSTER, "it", inputs=inputs))

    assert state["endpoints"][0]["publicEndpoint"] == "127.0.0.1:1234"
    assert state["availableKubernetesUpgrades"] == ["v1.34.1"]
    assert oci.invoke("getClusterKubeConfig", {"clusterId": id_}, {})["content"] == KUBECONFIG
    with pytest.raises(CloudError, match="404"):
        oci.invoke("getClusterKubeConfig", {"clusterId": oci.ocid("cluster")}, {})


def test_functions_use_the_region_of_the_provider() -> None:
    oci = Oci()
    zurich = {"region": "eu-zurich-1"}

    sources = oci.invoke("getNodePoolOption", {"nodePoolOptionId": "all", "nodePoolK8sVersion": "v1.34.1"}, zurich)
    services = oci.invoke("getServices", {}, zurich)["services"]
    domains = oci.invoke("getAvailabilityDomains", {"compartmentId": "home"}, zurich)["availabilityDomains"]

    assert "Oracle-Linux-8.10-aarch64-2026.05.29-0-OKE-1.34.1-1200" in sources["images"]
    assert sources["sources"][0]["imageId"].startswith("ocid1.image.oc1.eu-zurich-1.")
    assert not [name for name in sources["images"] if "1.34.1" not in name]
    assert "zrh" in services[0]["cidrBlock"]
    assert "EU-ZURICH-1" in domains[0]["name"]
    with pytest.raises(CloudError, match="has no function getNothing"):
        oci.invoke("getNothing", {}, {})


def test_a_renamed_repository_keeps_its_contents() -> None:
    github = Github(repositories={"todo": 1, "renamed": 1, "other": 2})
    given = {"repository": "todo", "environment": "production"}
    _, state = github.create(Resource(ENVIRONMENT, "it", inputs=given))

    def moved(repository: str) -> Resource:
        return changed(ENVIRONMENT, given, given | {"repository": repository}, state=state)

    assert github.changes(moved("renamed")) == {"repository": UPDATE}
    assert github.changes(moved("other")) == {"repository": UPDATE_REPLACE}


def test_a_policy_for_tags_replaces_one_for_branches() -> None:
    old, new = {"branchPattern": "main"}, {"tagPattern": "v*"}

    assert Github().changes(changed(POLICY, old, new)) == {"branchPattern": DELETE_REPLACE, "tagPattern": ADD_REPLACE}
    assert Github().changes(changed(POLICY, old, {"branchPattern": "next"})) == {"branchPattern": UPDATE}


def test_secrets_need_their_environment_and_go_with_it() -> None:
    github = Github()
    environment = {"repository": "todo", "environment": "production"}
    secret = Resource(SECRET, "secret", inputs=environment | {"secretName": "KEY", "value": "x"})

    with pytest.raises(CloudError, match="environments/production: 404"):
        github.create(secret)
    id_, _ = github.create(Resource(ENVIRONMENT, "it", inputs=environment))
    assert github.create(secret)[0] == "todo:production:KEY"
    github.delete(Resource(ENVIRONMENT, "it", id=id_))

    assert github.cloud.all("ActionsEnvironmentSecret") == {}
    with pytest.raises(CloudError, match="repos/nothing: 404"):
        github.create(Resource(ENVIRONMENT, "it", inputs=environment | {"repository": "nothing"}))
    with pytest.raises(CloudError, match="users/nobody: 404"):
        github.invoke("getUser", {"username": "nobody"}, {})


def test_writing_a_secret_reverts_manual_changes() -> None:
    github = Github()
    environment = {"repository": "todo", "environment": "production"}
    github.create(Resource(ENVIRONMENT, "it", inputs=environment))
    given = environment | {"secretName": "KEY", "value": "x"}
    id_, state = github.create(Resource(SECRET, "it", inputs=given))

    github.edit_secret("KEY", "by hand")
    seen = github.read(Resource(SECRET, "it", id=id_, state=state))
    assert seen is not None
    assert seen["value"] == "x"
    assert seen["remoteUpdatedAt"] > seen["updatedAt"] == state["updatedAt"]

    written = github.update(Resource(SECRET, "it", id=id_, inputs=given, state=seen, old_inputs=given))
    assert written["remoteUpdatedAt"] == written["updatedAt"] > seen["remoteUpdatedAt"]
    assert github.cloud.only("ActionsEnvironmentSecret")["value"] == "x"


def build(folder: Path, **given: Any) -> tuple[DockerBuild, Resource]:
    (folder / "app").mkdir(exist_ok=True)
    (folder / "app/Dockerfile").write_text("FROM scratch\n")
    inputs = {
        "context": {"location": "app"},
        "dockerfile": {"location": "app/Dockerfile"},
        "tags": ["ghcr.io/example/todo:1"],
        "exports": [{"raw": "type=registry"}],
    }
    return DockerBuild(folder, Registry()), Resource(IMAGE, "it", inputs=inputs | given)


def test_a_digest_depends_on_the_contents_of_an_image(tmp_path: Path) -> None:
    def digest(**given: Any) -> str:
        double, resource = build(tmp_path, **given)
        return double.create(resource)[1]["digest"]

    assert digest() == digest() == digest(tags=["ghcr.io/example/todo:2"]) == digest(cacheFrom=[{"gha": {}}])
    assert len({digest(), digest(buildArgs={"A": "b"}), digest(platforms=["linux/arm64"]), digest(target="x")}) == 4


def test_a_context_is_hashed_with_names_and_modes_but_without_ignored_files(tmp_path: Path) -> None:
    double, resource = build(tmp_path)
    page = tmp_path / "app/page.html"
    page.write_text("hello")
    (tmp_path / "app/.dockerignore").write_text("# not needed\n**/*.log\n/notes/\n!notes/kept.txt\n?.tmp\n")

    def hashed() -> str:
        return double.create(resource)[1]["contextHash"]

    def changes(path: str, text: str = "x") -> bool:
        before = hashed()
        (tmp_path / "app" / path).parent.mkdir(exist_ok=True)
        (tmp_path / "app" / path).write_text(text)
        return hashed() != before

    assert [path for path in ("a.log", "in/a.log", "notes/a", "a.tmp") if changes(path)] == []
    assert [path for path in ("notes/kept.txt", "ab.tmp", "in/b") if not changes(path)] == []
    seen = [hashed()]
    page.rename(page.with_name("other.html"))
    seen.append(hashed())
    page.with_name("other.html").chmod(0o755)
    seen.append(hashed())
    assert len(set(seen)) == 3
    assert changes("Dockerfile", "FROM other\n")


def test_a_pushed_image_is_in_the_registry_until_it_is_deleted(tmp_path: Path) -> None:
    double, resource = build(tmp_path)
    docker = Docker(double.registry)

    id_, state = double.create(resource)

    name = {"name": "ghcr.io/example/todo:1"}
    assert docker.invoke("getRegistryImage", name, {})["sha256Digest"] == id_ == state["digest"]
    assert state["ref"] == f"ghcr.io/example/todo:1@{id_}"
    existing = Resource(IMAGE, "it", id=id_, state=state)
    assert double.read(existing) == state
    double.delete(existing)
    assert double.read(existing) is None
    with pytest.raises(CloudError, match="404"):
        docker.invoke("getRegistryImage", name, {})


def test_another_user_of_a_registry_is_a_change_but_not_another_password(tmp_path: Path) -> None:
    login = {"address": "ghcr.io", "username": "me", "password": "a"}
    double, resource = build(tmp_path, registries=[login])
    id_, state = double.create(resource)

    def with_login(**given: str) -> Resource:
        inputs = resource.inputs | {"registries": [login | given]}
        return Resource(IMAGE, "it", id=id_, inputs=inputs, state=state, old_inputs=resource.inputs)

    assert double.changes(with_login(password="b")) == {}
    assert double.changes(with_login(username="you")) == {"registries": UPDATE}


def test_a_missing_context_or_tag_is_refused(tmp_path: Path) -> None:
    double, resource = build(tmp_path, context={"location": "nowhere"}, tags=[])

    with pytest.raises(CheckError) as refused:
        double.check(resource, resource.inputs)

    assert refused.value.failures.keys() == {"context.location", "exports[0]"}


def test_a_fault_happens_once_and_is_logged() -> None:
    cloud = Cloud()
    cloud.fail("create", "Vcn", "401")
    cloud.fail("create", "Vcn", "429")

    for message in ("401", "429"):
        with pytest.raises(CloudError, match=message), cloud.operation("create", "Vcn", "it"):
            pytest.fail("it was done")
    with cloud.operation("create", "Vcn", "it"):
        pass

    assert [operation.error for operation in cloud.log] == ["401", "429", None]
    assert cloud.did("create") == [("create", "Vcn", "it")]


def test_the_cloud_returns_copies() -> None:
    cloud = Cloud()
    cloud.put("Vcn", "id", {"tags": {"a": "b"}})

    cloud.only("Vcn")["tags"]["a"] = "changed"
    cloud.edit("id", name="by hand")

    assert cloud.get("id") == {"tags": {"a": "b"}, "name": "by hand"}
    cloud.edit("id", name=None)
    assert cloud.get("id") == {"tags": {"a": "b"}}
