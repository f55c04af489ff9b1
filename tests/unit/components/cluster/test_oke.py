"""`OkeCluster`, what it costs, and the kubeconfig with which kubectl and the program reach a cluster of OKE."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pulumi
import pulumi_oci
import pytest
import yaml

from components.cluster import existing
from components.cluster.free_tier import costs
from components.cluster.oke import OkeCluster, OkeClusterArgs
from components.cluster.oke_access import locate, oke_kubeconfig
from kube import kubeconfig
from system.errors import UserError
from tests.support import example, oci_api
from tests.support.engine import UNKNOWN
from tests.support.oci_api import CLUSTER, REGION, Oracle
from tests.support.oci_mocks import OciEngine, images
from tests.unit.delivery.cli.test_cluster import KUBECTL

CLUSTER_TYPE = "oci:ContainerEngine/cluster:Cluster"
POOL_TYPE = "oci:ContainerEngine/nodePool:NodePool"
ARGS = OkeClusterArgs(
    stack="test",
    region=REGION,
    compartment_ocid="ocid1.compartment.oc1..aaaacompartment",
    display_name="todo",
    kubernetes_version="",
    node_count=2,
    node_ocpus=1,
    node_memory_gb=6,
    node_boot_volume_gb=50,
    api_allowed_cidrs=["203.0.113.0/24"],
    protect=True,
    retain_on_delete=False,
    tags={"stack": "oke"},
)


@pytest.fixture
def engine() -> OciEngine:
    return OciEngine()


def deploy(engine: OciEngine, args: OkeClusterArgs = ARGS, **options: Any) -> None:
    def program() -> None:
        made = OkeCluster("oke", args)
        pulumi.export("id", made.cluster_id)
        pulumi.export("apiCidr", made.api_cidr)
        pulumi.export("group", made.load_balancer_group)
        pulumi.export("server", made.kubeconfig.apply(lambda kubeconfig: kubeconfig.server))
        pulumi.export("owners", {name: made.owner_of(name) or "" for name in ("default", "todo")})

    engine.deploy(program, **options)


@pytest.fixture(scope="module")
def deployed() -> OciEngine:
    """A deployment of ARGS. Shared between tests: read only."""
    engine = OciEngine()
    deploy(engine)
    return engine


def image_of(engine: OciEngine) -> str:
    return engine.find(POOL_TYPE).inputs["nodeSourceDetails"]["imageId"]


def pool(version: str, image: str) -> dict[str, Any]:
    """A pool as OCI lists it."""
    return {"kubernetesVersion": version, "nodeSourceDetails": [{"imageId": image, "sourceType": "IMAGE"}]}


def test_the_cluster_is_a_free_one_with_a_public_endpoint(deployed: OciEngine) -> None:
    assert deployed.find(CLUSTER_TYPE).inputs == {
        "compartmentId": ARGS.compartment_ocid,
        "name": "todo",
        "type": "BASIC_CLUSTER",
        "kubernetesVersion": "v1.34.1",
        "vcnId": "oke-id",
        "clusterPodNetworkOptions": [{"cniType": "FLANNEL_OVERLAY"}],
        "endpointConfig": {"subnetId": "oke-api-id", "nsgIds": ["oke-api-id"], "isPublicIpEnabled": True},
        "options": {
            "serviceLbSubnetIds": ["oke-load-balancers-id"],
            "kubernetesNetworkConfig": {"podsCidr": "10.244.0.0/16", "servicesCidr": "10.96.0.0/16"},
            "persistentVolumeConfig": {"freeformTags": ARGS.tags},
            "serviceLbConfig": {"freeformTags": ARGS.tags},
        },
        "freeformTags": ARGS.tags,
    }


def test_the_nodes_are_arm_ones_in_every_availability_domain(deployed: OciEngine) -> None:
    assert deployed.find(POOL_TYPE).inputs == {
        "compartmentId": ARGS.compartment_ocid,
        "clusterId": "oke-id",
        "name": "nodes",
        "kubernetesVersion": "v1.34.1",
        "nodeShape": "VM.Standard.A1.Flex",
        "nodeShapeConfig": {"ocpus": 1, "memoryInGbs": 6},
        "nodeSourceDetails": {
            "sourceType": "IMAGE",
            "imageId": "Oracle-Linux-8.10-aarch64-2025.09.30-0-OKE-1.34.1-1191",
            "bootVolumeSizeInGbs": "50",
        },
        "nodeConfigDetails": {
            "size": 2,
            "placementConfigs": [
                {"availabilityDomain": "QZhg:FRA-AD-1", "subnetId": "oke-nodes-id"},
                {"availabilityDomain": "QZhg:FRA-AD-2", "subnetId": "oke-nodes-id"},
            ],
            "nsgIds": ["oke-nodes-id"],
            "nodePoolPodNetworkOptionDetails": {"cniType": "FLANNEL_OVERLAY"},
            "freeformTags": ARGS.tags,
        },
        "nodeEvictionNodePoolSettings": {
            "evictionGraceDuration": "PT15M",
            "isForceDeleteAfterGraceDuration": True,
        },
        "freeformTags": ARGS.tags,
    }


def test_the_network_comes_first_and_the_nodes_last(deployed: OciEngine) -> None:
    made, nodes = deployed.find(CLUSTER_TYPE), deployed.find(POOL_TYPE)
    network = [r for r in deployed.resources if r.type.startswith("oci:Core/")]
    assert {r.urn for r in network} <= {r.urn for r in deployed.finishes_first(made)}
    assert {r.urn for r in [*network, made]} <= {r.urn for r in deployed.finishes_first(nodes)}
    assert deployed.find("todo:cluster:OkeNetwork").parent == "oke"


def test_whoever_uses_the_cluster_waits_for_its_nodes(engine: OciEngine) -> None:
    engine.creations[POOL_TYPE, "oke"] = lambda: {"clusterId": "ocid1.cluster.of.the.pool"}

    deploy(engine)

    assert engine.exports["id"] == "ocid1.cluster.of.the.pool"


def test_the_chart_and_the_ingress_learn_what_the_network_lets_through(deployed: OciEngine) -> None:
    subnet = deployed.by_name("oci:Core/subnet:Subnet")[
        deployed.find(CLUSTER_TYPE).inputs["endpointConfig"]["subnetId"][:-3]
    ]
    assert deployed.exports["apiCidr"] == subnet.inputs["cidrBlock"]
    assert deployed.exports["group"] == "oke-load-balancers-id"


def test_whatever_is_on_it_is_declared_through_its_own_provider(engine: OciEngine) -> None:
    engine.creations[POOL_TYPE, "oke"] = lambda: {"clusterId": CLUSTER}

    deploy(engine)

    provider = engine.find("pulumi:providers:kubernetes")
    assert (provider.parent, provider.inputs["clusterIdentifier"]) == ("oke", CLUSTER)
    assert kubeconfig.read(provider.inputs["kubeconfig"], "").server == "https://192.0.2.7:6443"
    assert engine.exports["server"] == "https://192.0.2.7:6443"


def test_in_a_first_preview_nothing_is_known_of_it(engine: OciEngine) -> None:
    engine.creations[POOL_TYPE, "oke"] = lambda: {"clusterId": UNKNOWN}

    deploy(engine, preview=True)

    assert engine.exports["server"] == UNKNOWN
    assert engine.find("pulumi:providers:kubernetes").inputs["kubeconfig"] == UNKNOWN


def test_the_stack_owns_the_namespaces_that_the_cluster_is_not_made_with(deployed: OciEngine) -> None:
    assert deployed.exports["owners"] == {"default": "", "todo": "test"}


def test_everything_is_in_the_region_of_the_provider(deployed: OciEngine) -> None:
    assert {r.provider for r in deployed.resources if r.type.startswith("oci:")} == {"oke"}
    assert set(deployed.asked_through.values()) == {"oke"}
    assert deployed.find("pulumi:providers:oci").inputs == {"region": REGION}


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_lost_with_the_cluster_is_kept_as_the_settings_say(engine: OciEngine, *, kept: bool) -> None:
    deploy(engine, replace(ARGS, protect=kept, retain_on_delete=kept))

    kept_ones = [*(engine.find(type_) for type_ in (CLUSTER_TYPE, POOL_TYPE)), engine.find("oci:Core/vcn:Vcn")]
    assert [(r.protect, engine.options(r).retainOnDelete) for r in kept_ones] == [(kept, kept)] * 3


def test_oke_has_the_time_that_it_takes(deployed: OciEngine) -> None:
    timeouts = [deployed.options(deployed.find(type_)).customTimeouts for type_ in (CLUSTER_TYPE, POOL_TYPE)]
    assert [(t.create, t.update, t.delete) for t in timeouts] == [("30m", "1h", "30m"), ("30m", "1h", "1h")]


@pytest.mark.parametrize(
    ("setting", "version", "ignored"),
    [("", "v1.34.1", ["kubernetesVersion"]), ("v1.33.1", "v1.33.1", [])],
)
def test_a_version_is_kept_unless_it_is_pinned(
    engine: OciEngine, setting: str, version: str, ignored: list[str]
) -> None:
    deploy(engine, replace(ARGS, kubernetes_version=setting))

    made = engine.find(CLUSTER_TYPE)
    assert made.inputs["kubernetesVersion"] == version
    assert list(engine.options(made).ignoreChanges) == ignored


def test_the_nodes_follow_the_version_that_the_cluster_has(engine: OciEngine) -> None:
    engine.creations[CLUSTER_TYPE, "oke"] = lambda: {"kubernetesVersion": "v1.33.1"}  # a newer one was ignored

    deploy(engine)

    assert engine.find(POOL_TYPE).inputs["kubernetesVersion"] == "v1.33.1"
    assert image_of(engine) == "Oracle-Linux-8.10-aarch64-2025.09.30-0-OKE-1.33.1-1191"


@pytest.mark.parametrize(
    "newest",
    [
        "Oracle-Linux-8.10-aarch64-2025.10.01-0-OKE-1.34.1-7",
        "Oracle-Linux-8.10-aarch64-2025.09.30-1-OKE-1.34.1-7",
        "Oracle-Linux-8.10-aarch64-2025.09.30-0-OKE-1.34.1-1000",
    ],
)
def test_the_image_is_the_newest_one_for_arm_and_the_version(engine: OciEngine, newest: str) -> None:
    others = images(
        "Oracle-Linux-8.10-aarch64-2025.09.30-0-OKE-1.34.1-999",
        "Oracle-Linux-8.10-aarch64-2025.11.30-0-OKE-1.33.1-2000",
        "Oracle-Linux-8.10-aarch64-2025.11.30-0-OKE-1.34.10-2000",
        "Oracle-Linux-8.10-2025.11.30-0-OKE-1.34.1-2000",
        "Oracle-Linux-8.10-Gen2-GPU-2025.11.30-0-OKE-1.34.1-2000",
        "Oracle-Linux-8.10-aarch64-GPU-2025.11.30-0-OKE-1.34.1-2000",
        "Oracle-Linux-8.10-aarch64-2025.11.30-0-OKE-1.34.1-2000-preview",
        "Oracle-Linux-8.10-aarch64-2025.11.30-0",
    )
    engine.data["getNodePoolOption"] = {"sources": [*others[:2], *images(newest), *others[2:]]}

    deploy(engine)

    assert image_of(engine) == newest
    assert engine.asked["getNodePoolOption"] == {"nodePoolOptionId": "all", "shouldListAllPatchVersions": True}


def test_a_newer_image_changes_nothing(engine: OciEngine) -> None:
    engine.data["getNodePools"] = {"nodePools": [pool("v1.34.1", "the-image-of-the-first-day")]}

    deploy(engine)

    assert image_of(engine) == "the-image-of-the-first-day"
    assert engine.asked["getNodePools"] == {
        "compartmentId": ARGS.compartment_ocid,
        "clusterId": "oke-id",
        "name": "nodes",
        "states": ["ACTIVE", "UPDATING", "NEEDS_ATTENTION"],
    }


def test_an_upgrade_chooses_an_image_for_the_new_version(engine: OciEngine) -> None:
    engine.data["getNodePools"] = {"nodePools": [pool("v1.33.1", "the-image-of-the-first-day")]}

    deploy(engine, replace(ARGS, kubernetes_version="v1.34.1"))

    assert image_of(engine) == "Oracle-Linux-8.10-aarch64-2025.09.30-0-OKE-1.34.1-1191"


def test_a_version_without_images_is_told(engine: OciEngine) -> None:
    with pytest.raises(
        pulumi.RunError, match=r"^OKE has no image for Arm nodes with Kubernetes v1\.30\.1\.\n.*pulumi config set"
    ):
        deploy(engine, replace(ARGS, kubernetes_version="v1.30.1"))


def test_nodes_without_an_availability_domain_are_refused(engine: OciEngine) -> None:
    engine.data["getAvailabilityDomains"] = {"availabilityDomains": []}

    with pytest.raises(pulumi.RunError, match=r"^OCI names no availability domain"):
        deploy(engine, ARGS)


@pytest.mark.parametrize(
    "change",
    [
        {"node_count": 3},
        {"node_ocpus": 2},
        {"node_memory_gb": 8},
        {"node_boot_volume_gb": 100},
        {"api_allowed_cidrs": ["0.0.0.0/0"]},
        {"protect": False},
        {"retain_on_delete": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_cluster_does_not_depend_on_its_nodes_nor_on_who_may_reach_it(
    deployed: OciEngine, engine: OciEngine, change: dict[str, Any]
) -> None:
    deploy(engine, replace(ARGS, **change))

    assert engine.find(CLUSTER_TYPE).inputs == deployed.find(CLUSTER_TYPE).inputs


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"display_name": "renamed"}, {"name"}),
        ({"kubernetes_version": "v1.33.1"}, {"kubernetesVersion"}),
        ({"tags": {"stack": "other"}}, {"freeformTags", "options"}),
    ],
    ids=["name", "version", "tags"],
)
def test_what_does_change_the_cluster_is_what_oke_updates(
    deployed: OciEngine, engine: OciEngine, change: dict[str, Any], changed: set[str]
) -> None:
    deploy(engine, replace(ARGS, **change))

    before, after = (each.find(CLUSTER_TYPE).inputs for each in (deployed, engine))
    assert {key for key in before if before[key] != after[key]} == changed
    fixed = ("serviceLbSubnetIds", "kubernetesNetworkConfig")
    assert [before["options"][key] for key in fixed] == [after["options"][key] for key in fixed]


def test_no_other_nodes_than_a_basic_clusters_are_asked_for(deployed: OciEngine) -> None:
    assert "nodePoolCyclingDetails" not in deployed.find(POOL_TYPE).inputs  # OKE: for enhanced clusters only


CHEAP = {"node_ocpus": 1, "node_memory_gb": 1, "node_boot_volume_gb": 50}


@pytest.mark.parametrize(
    ("size", "warning"),
    [
        ({"node_count": 2, "node_ocpus": 1}, None),
        (
            {"node_count": 3},
            "The nodes have 3 OCPUs; 2 are free: the rest costs about 7.32 USD a month, "
            "and an Always Free account does not get it.",
        ),
        ({"node_count": 2, "node_memory_gb": 6}, None),
        (
            {"node_count": 1, "node_memory_gb": 13},
            "The nodes have 13 GB of memory; 12 are free: the rest costs about 1.01 USD a month, "
            "and an Always Free account does not get it.",
        ),
        ({"node_count": 2, "node_boot_volume_gb": 100}, None),
        (
            {"node_count": 2, "node_boot_volume_gb": 101},
            "The nodes have 202 GB of boot volumes; 200, of all volumes, are free: the rest costs about 0.09 USD a "
            "month, and an Always Free account does not get it.",
        ),
    ],
)
def test_the_user_is_warned_of_what_costs_money(engine: OciEngine, size: dict[str, int], warning: str | None) -> None:
    args = replace(ARGS, **{**CHEAP, **size})

    deploy(engine, args)

    assert costs(*size_of(args)) == ([warning] if warning else [])
    assert [(entry.message, entry.urn) for entry in engine.log] == (
        [(warning, engine.find("todo:cluster:OkeCluster").urn)] if warning else []
    )


def size_of(args: OkeClusterArgs) -> tuple[int, int, int, int]:
    return args.node_count, args.node_ocpus, args.node_memory_gb, args.node_boot_volume_gb


def test_each_cost_is_told() -> None:
    # 2976 OCPU-hours less 1500, 17856 GB-hours less 9000, 400 GB less 200.
    args = replace(ARGS, node_count=2, node_ocpus=2, node_memory_gb=12, node_boot_volume_gb=200)

    assert [cost.split(" about ")[1].split(" USD")[0] for cost in costs(*size_of(args))] == ["14.76", "13.28", "8.50"]


@pytest.fixture
def oci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Oracle]:
    """OCI and a cluster of it, for a user whose working folder is the project's."""
    for name in ("OCI_CLI_PROFILE", "OCI_CLI_AUTH", "OCI_CLI_CONFIG_FILE", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(example.PROJECT_FOLDER)
    oci_api.write_config(tmp_path)
    oci_api.write_certificate(tmp_path / "certificate.pem")
    server = Oracle(tmp_path / "certificate.pem")
    with server.serve():
        yield server


def written_kubeconfig(engine: OciEngine, server: Oracle) -> str:
    content = server.kubeconfig()
    content["users"][0]["user"] = {"token": "canary"}
    engine.data["getClusterKubeConfig"] = {"content": yaml.safe_dump(content)}

    def program() -> None:
        opts = pulumi.InvokeOutputOptions(provider=pulumi_oci.Provider("oci", region=REGION))
        pulumi.export("kubeconfig", oke_kubeconfig(CLUSTER, REGION, opts))

    engine.deploy(program)
    return engine.exports["kubeconfig"]


def test_kubectl_and_the_program_reach_the_cluster(engine: OciEngine, oci: Oracle, tmp_path: Path) -> None:
    content = written_kubeconfig(engine, oci)
    path = tmp_path / "elsewhere.yaml"
    path.write_text(content)

    asked = subprocess.run(
        [KUBECTL, "--kubeconfig", path, "get", "--raw", "/api/v1/namespaces"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    identity = existing.identify(kubeconfig.read(content, ""), named="", stack="oke")

    assert asked.stderr == ""
    assert json.loads(asked.stdout)["items"][0]["metadata"]["uid"] == identity.uid == "uid-of-the-cluster"
    assert oci.users == [oci_api.KEY_ID] * 2


def test_the_kubeconfig_holds_the_cluster_and_nobodys_credentials(engine: OciEngine, oci: Oracle) -> None:
    content = written_kubeconfig(engine, oci)

    document = yaml.safe_load(content)
    assert document["clusters"][0]["cluster"] == oci.kubeconfig()["clusters"][0]["cluster"]
    assert document["users"] == [
        {
            "name": "oke",
            "user": {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1beta1",
                    "command": "env",
                    "args": [
                        *(".venv/bin/python", "-m", "delivery", "oke-token"),
                        *("--cluster", CLUSTER, "--region", REGION),
                    ],
                    "interactiveMode": "Never",
                }
            },
        }
    ]
    assert example.CANARY not in content
    assert str(example.PROJECT_FOLDER) not in content  # the same on every machine
    assert engine.asked["getClusterKubeConfig"] == {
        "clusterId": CLUSTER,
        "endpoint": "PUBLIC_ENDPOINT",
        "tokenVersion": "2.0.0",
    }
    assert engine.asked_through["getClusterKubeConfig"] == "oci"


@pytest.fixture
def api_key(oci: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials of a user, in the environment, and where the API is."""
    monkeypatch.setenv("SSL_CERT_FILE", str(oci.certificate))
    monkeypatch.setenv("OCI_CLI_ENDPOINT", oci.endpoint)
    for name, value in {
        "OCI_CLI_USER": oci_api.USER,
        "OCI_CLI_TENANCY": oci_api.TENANCY,
        "OCI_CLI_FINGERPRINT": oci_api.FINGERPRINT,
        "OCI_CLI_KEY_CONTENT": oci_api.pem(),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("api_key")
def test_a_cluster_that_exists_is_found_by_its_ocid(engine: OciEngine, oci: Oracle) -> None:
    found = locate(CLUSTER, REGION)

    assert found.source == written_kubeconfig(engine, oci)
    assert found.server == oci.url


@pytest.mark.usefixtures("api_key")
def test_a_cluster_that_oci_does_not_know_is_told(oci: Oracle) -> None:
    oci.answer = (HTTPStatus.NOT_FOUND, b"{}")

    with pytest.raises(UserError, match=rf"^There is no cluster {CLUSTER} in {REGION}, or the user may not"):
        locate(CLUSTER, REGION)


def test_no_credential_of_the_environment_is_in_an_input(engine: OciEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_VAR_private_key", "TF_VAR_user_ocid", "TF_VAR_region", "OCI_CLI_KEY_CONTENT", "OCI_CLI_USER"):
        monkeypatch.setenv(name, example.CANARY)

    deploy(engine)

    assert example.CANARY not in repr((engine.resources, engine.outputs, engine.asked))
