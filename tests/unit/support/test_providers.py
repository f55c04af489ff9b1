"""Rules of the providers' doubles that tests/integration/test_doubles.py does not reach."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.providers.cloud import CloudError
from tests.support.providers.github import Github
from tests.support.providers.images import DockerBuild, Registry
from tests.support.providers.oci import Oci
from tests.support.providers.provider import (
    ADD,
    ADD_REPLACE,
    DELETE,
    DELETE_REPLACE,
    UPDATE,
    UPDATE_REPLACE,
    Resource,
)

ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
SECRET = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"
CLUSTER = "oci:ContainerEngine/cluster:Cluster"
VCN = "oci:Core/vcn:Vcn"
IMAGE = "docker-build:index:Image"


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
def test_changed_inputs_update_or_replace_a_cluster(
    old: dict[str, Any], new: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert Oci().changes(Resource(CLUSTER, "it", id="id", inputs=new, old_inputs=old, state=old)) == changes


def test_missing_references_and_unsupported_versions_are_refused() -> None:
    oci = Oci()

    with pytest.raises(CloudError, match=r"404-NotAuthorizedOrNotFound, it names ocid1\.vcn\.oc1\."):
        oci.create(Resource("oci:Core/subnet:Subnet", "it", inputs={"vcnId": oci.ocid("vcn")}))
    with pytest.raises(CloudError, match=r"Kubernetes version v1\.1\.1 is not supported"):
        oci.create(Resource(CLUSTER, "it", inputs={"kubernetesVersion": "v1.1.1"}))


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
    assert len({digest(), digest(buildArgs={"A": "b"}), digest(platforms=["linux/arm64"])}) == 3


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
