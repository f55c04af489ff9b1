"""The doubles of the cloud providers under the real engine."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import Project
from tests.support.providers.serving import Doubles, serve

pytestmark = pytest.mark.integration

CANARY = "canary-of-the-doubles-2c7e"

PROGRAM = """
import pulumi, pulumi_docker as docker, pulumi_docker_build as docker_build, pulumi_github as github, pulumi_oci as oci

at = oci.Provider("frankfurt", region="eu-frankfurt-1")
elsewhere = oci.Provider("zurich", region="eu-zurich-1")
here, there = pulumi.ResourceOptions(provider=at), pulumi.ResourceOptions(provider=elsewhere)
asking = pulumi.InvokeOptions(provider=at)
home = "ocid1.compartment.oc1..aaaaaaaahome"

version = oci.containerengine.get_cluster_option(cluster_option_id="all", opts=asking).kubernetes_versions[-1]
domains = oci.identity.get_availability_domains(compartment_id=home, opts=asking).availability_domains
images = oci.containerengine.get_node_pool_option(
    node_pool_option_id="all", node_pool_k8s_version=version, opts=asking).sources
image = next(each.image_id for each in images if "aarch64" in each.source_name)

vcn = oci.core.Vcn("vcn", compartment_id=home, cidr_blocks=["10.0.0.0/16"], dns_label="todo",
    freeform_tags={"stack": "test"}, opts=here)
other = oci.core.Vcn("other", compartment_id=home, cidr_blocks=["10.0.0.0/16"],
    freeform_tags={"note": pulumi.Config().require_secret("cohereApiKey")}, opts=there)
subnet = oci.core.Subnet("subnet", compartment_id=home, vcn_id=vcn.id, cidr_block="10.0.0.0/24", opts=here)
group = oci.core.NetworkSecurityGroup("group", compartment_id=home, vcn_id=vcn.id, opts=here)
rule = oci.core.NetworkSecurityGroupSecurityRule("rule", network_security_group_id=group.id, direction="INGRESS",
    protocol="6", source="10.0.0.0/16", tcp_options={"destination_port_range": {"min": 6443, "max": 6443}}, opts=here)
cluster = oci.containerengine.Cluster("cluster", compartment_id=home, vcn_id=vcn.id, kubernetes_version=version,
    name="todo", endpoint_config={"subnet_id": subnet.id, "is_public_ip_enabled": True}, opts=here)
pool = oci.containerengine.NodePool("pool", compartment_id=home, cluster_id=cluster.id, name="todo",
    kubernetes_version=version, node_shape="VM.Standard.A1.Flex",
    node_shape_config={"ocpus": 2, "memory_in_gbs": 12},
    node_source_details={"source_type": "IMAGE", "image_id": image, "boot_volume_size_in_gbs": "50"},
    node_config_details={"size": 2, "placement_configs": [
        {"availability_domain": domain.name, "subnet_id": subnet.id} for domain in domains]}, opts=here)

environment = github.RepositoryEnvironment("production", repository="todo", environment="production",
    reviewers=[{"users": [int(github.get_user("octocat").id)]}])
secret = github.ActionsEnvironmentSecret("secret", repository="todo", environment=environment.environment,
    secret_name="COHERE_API_KEY", value=pulumi.Config().require_secret("cohereApiKey"))
variable = github.ActionsEnvironmentVariable("variable", repository="todo", environment=environment.environment,
    variable_name="NAMESPACE", value="default")

built = docker_build.Image("image", context={"location": "app"}, tags=["ghcr.io/example/todo:latest"],
    exports=[{"raw": "type=registry"}], push=False, build_on_preview=False)

pulumi.export("digest", built.digest)
pulumi.export("cluster", cluster.id)
pulumi.export("endpoint", cluster.endpoints[0].public_endpoint)
pulumi.export("lists", vcn.default_security_list_id)
pulumi.export("name", vcn.dns_label)
pulumi.export("other", other.id)
pulumi.export("found", built.ref.apply(lambda _: docker.get_registry_image(name="ghcr.io/example/todo").sha256_digest))
"""
ALL = {"vcn", "other", "subnet", "group", "rule", "cluster", "pool", "production", "secret", "variable", "image"}


@dataclass(frozen=True)
class Stack:
    project: Project
    doubles: Doubles

    def write(self, *changes: tuple[str, str]) -> None:
        """Write the program with some of its text changed."""
        program = PROGRAM
        for old, new in changes:
            assert program.count(old) == 1, old
            program = program.replace(old, new)
        (self.project.folder / "__main__.py").write_text(program)

    def plan(self) -> Mapping[str, str]:
        """Return the changes of a preview, as {name: operation}."""
        steps = {urn.rpartition("::")[2]: operation for urn, operation in self.project.plan().items()}
        return {name: operation for name, operation in steps.items() if name in ALL}

    def state(self, type_: str) -> Mapping[str, Any]:
        """Return the only resource of a type in the state."""
        resources = json.loads(self.project.do("pulumi", "stack", "export"))["deployment"]["resources"]
        (found,) = (each for each in resources if each["type"].endswith(f":{type_}"))
        return found

    def preview(self) -> Mapping[str, str]:
        """Return the outputs that a preview shows, as text."""
        _, _, shown = self.project.do("pulumi", "preview", "--diff").partition("--outputs:--")
        return dict(re.findall(r"^ +[-+~]? *(\w+) *: (.+)$", shown, re.MULTILINE))


def start(folder: Path, doubles: Doubles, monkeypatch: pytest.MonkeyPatch) -> Stack:
    for name, value in doubles.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
    (folder / "state").mkdir()
    (folder / "Pulumi.yaml").write_text("name: doubled\nruntime: python\n")
    app = folder / "app"
    app.mkdir()
    (app / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (app / "page.html").write_text("hello\n")
    (app / ".dockerignore").write_text("# comment\n**/*.log\nnotes\n!notes/kept.txt\n")
    stack = Stack(Project(folder, folder / "no-kubeconfig"), doubles)
    stack.write()
    stack.project.do("pulumi", "stack", "init", "test")
    stack.project.configure_secret(cohereApiKey=CANARY)
    return stack


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A stack with nothing deployed."""
    with serve(tmp_path) as doubles:
        yield start(tmp_path, doubles, monkeypatch)


@pytest.fixture(scope="module")
def deployed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("doubled")
    with pytest.MonkeyPatch.context() as monkeypatch, serve(folder) as doubles:
        stack = start(folder, doubles, monkeypatch)
        stack.project.up()
        yield stack


@pytest.fixture
def deployed(deployed_once: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """The deployed stack. Its program is restored after the test."""
    for name, value in deployed_once.doubles.environment.items():
        monkeypatch.setenv(name, value)
    yield deployed_once
    deployed_once.write()


def test_a_first_preview_changes_nothing_and_knows_the_inputs(fresh: Stack) -> None:
    shown = fresh.preview()

    assert {name: value for name, value in shown.items() if value != "[unknown]"} == {"name": '"todo"'}
    assert len(shown) > 1
    doubles = fresh.doubles
    clouds = [doubles.oci.cloud, doubles.github.cloud, doubles.docker_build.cloud]
    assert [operation for cloud in clouds for operation in cloud.did("create", "update", "delete")] == []


def test_declared_resources_are_created_in_order_and_stay(deployed: Stack) -> None:
    oci, github = deployed.doubles.oci.cloud, deployed.doubles.github.cloud
    outputs = deployed.project.outputs()

    assert outputs["cluster"].startswith("ocid1.cluster.oc1.eu-frankfurt-1.")
    assert outputs["other"].startswith("ocid1.vcn.oc1.eu-zurich-1.")
    assert outputs["endpoint"] == "192.0.2.1:6443"
    assert outputs["found"] == outputs["digest"]
    assert oci.only("Cluster")["kubernetesVersion"] == "v1.34.1"
    assert oci.only("Cluster")["endpointConfig"]["subnetId"] in oci.all("Subnet")
    assert len(oci.only("NodePool")["nodes"]) == 2
    created = [name for _, _, name in oci.did("create")]
    assert created.index("vcn") < created.index("subnet") < created.index("cluster") < created.index("pool")
    assert github.only("RepositoryEnvironment")["reviewers"] == [{"users": [583231]}]
    assert deployed.plan() == {}


def test_a_secret_reaches_the_cloud_and_is_encrypted_in_the_state(deployed: Stack) -> None:
    tags = [vcn.get("freeformTags") for vcn in deployed.doubles.oci.cloud.all("Vcn").values()]
    assert {"note": CANARY} in tags
    assert deployed.doubles.github.cloud.only("ActionsEnvironmentSecret")["value"] == CANARY

    kept = [path.read_text() for path in deployed.project.folder.rglob("*.json*") if path.is_file()]
    assert any("ActionsEnvironmentSecret" in text for text in kept)
    assert not any(CANARY in text for text in [*kept, *deployed.project.printed])
    secret = deployed.state("ActionsEnvironmentSecret")
    assert "ciphertext" in secret["inputs"]["value"]
    assert "ciphertext" in secret["outputs"]["value"]


def test_a_replacement_leaves_one_resource(deployed: Stack) -> None:
    github = deployed.doubles.github.cloud
    deployed.write(('"COHERE_API_KEY"', '"COHERE_KEY"'))

    deployed.project.up()

    assert github.only("ActionsEnvironmentSecret")["secretName"] == "COHERE_KEY"
    assert [kind for kind, _, name in github.did("create", "delete") if name == "secret"][-2:] == ["delete", "create"]
    deployed.write()
    deployed.project.up()


def test_a_refresh_detects_manual_changes(deployed: Stack) -> None:
    oci, github = deployed.doubles.oci.cloud, deployed.doubles.github.cloud
    (vcn,) = (id_ for id_, found in oci.all("Vcn").items() if found.get("dnsLabel") == "todo")
    oci.edit(vcn, freeformTags={"stack": "by hand"})
    (rule,) = oci.all("NetworkSecurityGroupSecurityRule")
    oci.remove(rule)
    (variable,) = github.all("ActionsEnvironmentVariable")
    github.edit(variable, value="by hand")
    assert deployed.plan() == {}

    deployed.project.do("pulumi", "refresh", "--yes", "--skip-preview")

    assert deployed.plan() == {"vcn": "update", "rule": "create", "variable": "update"}
    deployed.project.up()
    assert oci.all("Vcn")[vcn]["freeformTags"] == {"stack": "test"}
    assert github.only("ActionsEnvironmentVariable")["value"] == "default"
    assert deployed.plan() == {}


def test_the_next_up_repeats_a_failed_operation(fresh: Stack) -> None:
    oci = fresh.doubles.oci.cloud
    oci.fail("create", "NodePool", "500-InternalError, Out of host capacity.")

    failed = fresh.project.run("pulumi", "up", "--yes", "--skip-preview")

    assert failed.code != 0
    assert "Out of host capacity." in failed.text
    assert oci.only("Cluster")["state"] == "ACTIVE"
    assert oci.all("NodePool") == {}
    assert fresh.plan()["pool"] == "create"
    assert "cluster" not in fresh.plan()
    fresh.project.up()
    assert len(oci.all("NodePool")) == 1
    assert fresh.plan() == {}


def test_destroy_goes_backwards_and_stops_at_resources_in_use(fresh: Stack) -> None:
    fresh.project.up()
    oci = fresh.doubles.oci.cloud
    (group,) = oci.all("NetworkSecurityGroup")
    oci.put("LoadBalancer", "by-hand", {"nsgIds": [group]})

    failed = fresh.project.run("pulumi", "destroy", "--yes", "--skip-preview")

    assert failed.code != 0
    assert "409-Conflict" in failed.text
    oci.remove("by-hand")
    fresh.project.do("pulumi", "destroy", "--yes", "--skip-preview")
    deleted = [name for _, _, name in oci.did("delete")]
    assert deleted.index("pool") < deleted.index("cluster") < deleted.index("subnet") < deleted.index("vcn")
    types = {operation.type for operation in oci.log}
    assert all(oci.all(type_) == {} for type_ in types)
    assert fresh.doubles.registry.images == set()
