from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.cluster.oke import OkeCluster, OkeClusterArgs
from tests.support import example
from tests.support.engine import UNKNOWN
from tests.support.oci_api import CLUSTER, REGION
from tests.support.oci_mocks import OciEngine, images

CLUSTER_TYPE = "oci:ContainerEngine/cluster:Cluster"
POOL_TYPE = "oci:ContainerEngine/nodePool:NodePool"
ARGS = OkeClusterArgs(
    stack="test",
    region=REGION,
    compartment_ocid="ocid1.compartment.oc1..aaaacompartment",
    display_name="todo",
    kubernetes_version=None,
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


def test_the_control_plane_is_free_and_public(deployed: OciEngine) -> None:
    cluster = deployed.find(CLUSTER_TYPE).inputs

    assert cluster["type"] == "BASIC_CLUSTER"
    assert cluster["endpointConfig"] == {
        "subnetId": "oke-api-id",
        "nsgIds": ["oke-api-id"],
        "isPublicIpEnabled": True,
    }
    assert cluster["options"]["serviceLbSubnetIds"] == ["oke-load-balancers-id"]


def test_resources_that_the_cluster_creates_have_the_tags(deployed: OciEngine) -> None:
    options = deployed.find(CLUSTER_TYPE).inputs["options"]
    nodes = deployed.find(POOL_TYPE).inputs["nodeConfigDetails"]

    for tagged in (options["persistentVolumeConfig"], options["serviceLbConfig"], nodes):
        assert tagged["freeformTags"] == ARGS.tags


def test_nodes_have_the_size_of_the_settings_in_every_availability_domain(deployed: OciEngine) -> None:
    pool = deployed.find(POOL_TYPE).inputs

    assert pool["nodeShapeConfig"] == {"ocpus": ARGS.node_ocpus, "memoryInGbs": ARGS.node_memory_gb}
    assert pool["nodeSourceDetails"]["bootVolumeSizeInGbs"] == f"{ARGS.node_boot_volume_gb}"
    nodes = pool["nodeConfigDetails"]
    assert (nodes["size"], nodes["nsgIds"]) == (ARGS.node_count, ["oke-nodes-id"])
    assert nodes["placementConfigs"] == [
        {"availabilityDomain": domain, "subnetId": "oke-nodes-id"} for domain in ("QZhg:FRA-AD-1", "QZhg:FRA-AD-2")
    ]


def test_nodes_share_the_pod_network_and_are_not_blocked_by_evictions(deployed: OciEngine) -> None:
    (network,) = deployed.find(CLUSTER_TYPE).inputs["clusterPodNetworkOptions"]
    nodes = deployed.find(POOL_TYPE).inputs

    assert nodes["nodeConfigDetails"]["nodePoolPodNetworkOptionDetails"] == network
    assert nodes["nodeEvictionNodePoolSettings"]["isForceDeleteAfterGraceDuration"] is True


def test_the_network_comes_first_and_the_nodes_last(deployed: OciEngine) -> None:
    cluster, nodes = deployed.find(CLUSTER_TYPE), deployed.find(POOL_TYPE)
    network = {r.urn for r in deployed.resources if r.type.startswith("oci:Core/")}

    assert network <= {r.urn for r in deployed.finishes_first(cluster)}
    assert network | {cluster.urn} <= {r.urn for r in deployed.finishes_first(nodes)}


def test_the_app_and_the_ingress_get_the_network_of_the_cluster(deployed: OciEngine) -> None:
    subnet = deployed.by_name("oci:Core/subnet:Subnet")[
        deployed.find(CLUSTER_TYPE).inputs["endpointConfig"]["subnetId"][:-3]
    ]
    assert deployed.exports["apiCidr"] == subnet.inputs["cidrBlock"]
    assert deployed.exports["group"] == "oke-load-balancers-id"


@pytest.mark.parametrize("preview", [False, True])
def test_provider_leads_to_the_cluster_once_it_has_nodes(engine: OciEngine, *, preview: bool) -> None:
    engine.creations[POOL_TYPE, "oke"] = lambda: {"clusterId": UNKNOWN if preview else CLUSTER}

    deploy(engine, preview=preview)

    provider = engine.find("pulumi:providers:kubernetes")
    if preview:
        assert engine.exports["server"] == provider.inputs["kubeconfig"] == UNKNOWN
    else:
        assert engine.exports["id"] == provider.inputs["clusterIdentifier"] == CLUSTER
        assert engine.exports["server"] == "https://192.0.2.7:6443"
        assert engine.exports["server"] in provider.inputs["kubeconfig"]


def test_the_stack_owns_every_namespace_except_the_initial_ones(deployed: OciEngine) -> None:
    assert deployed.exports["owners"] == {"default": "", "todo": "test"}


def test_everything_is_in_the_region_of_the_provider(deployed: OciEngine) -> None:
    assert {r.provider for r in deployed.resources if r.type.startswith("oci:")} == {"oke"}
    assert set(deployed.asked_through.values()) == {"oke"}
    assert deployed.find("pulumi:providers:oci").inputs == {"region": REGION}


@pytest.mark.parametrize("kept", [True, False])
def test_the_cluster_is_protected_and_retained_by_the_settings(engine: OciEngine, *, kept: bool) -> None:
    deploy(engine, replace(ARGS, protect=kept, retain_on_delete=kept))

    kept_ones = [*(engine.find(type_) for type_ in (CLUSTER_TYPE, POOL_TYPE)), engine.find("oci:Core/vcn:Vcn")]
    assert [(r.protect, r.retain_on_delete) for r in kept_ones] == [(kept, kept)] * 3


@pytest.mark.parametrize(
    ("setting", "version", "ignored"),
    [(None, "v1.34.1", ["kubernetesVersion"]), ("v1.33.1", "v1.33.1", [])],
)
def test_a_new_version_of_oke_is_ignored_unless_a_version_is_pinned(
    engine: OciEngine, setting: str | None, version: str, ignored: list[str]
) -> None:
    deploy(engine, replace(ARGS, kubernetes_version=setting))

    made = engine.find(CLUSTER_TYPE)
    assert made.inputs["kubernetesVersion"] == version
    assert list(engine.requests[made.urn].ignoreChanges) == ignored


def test_nodes_follow_the_version_of_the_cluster(engine: OciEngine) -> None:
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
def test_the_image_is_the_newest_for_arm_and_the_version(engine: OciEngine, newest: str) -> None:
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


@pytest.mark.parametrize("upgraded", [False, True])
def test_only_an_upgrade_selects_a_newer_image(engine: OciEngine, *, upgraded: bool) -> None:
    version = "v1.33.1" if upgraded else "v1.34.1"
    engine.data["getNodePools"] = {"nodePools": [pool(version, "the-image-of-the-first-day")]}

    deploy(engine, replace(ARGS, kubernetes_version="v1.34.1"))

    newest = "Oracle-Linux-8.10-aarch64-2025.09.30-0-OKE-1.34.1-1191"
    assert image_of(engine) == (newest if upgraded else "the-image-of-the-first-day")
    assert engine.asked["getNodePools"].items() >= {"clusterId": "oke-id", "name": "nodes"}.items()


def test_a_version_without_images_is_reported(engine: OciEngine) -> None:
    with pytest.raises(pulumi.RunError, match=r"v1\.30\.1(?s:.*)\nhint: pulumi config set kubernetesVersion VERSION$"):
        deploy(engine, replace(ARGS, kubernetes_version="v1.30.1"))


def test_missing_availability_domains_are_reported(engine: OciEngine) -> None:
    engine.data["getAvailabilityDomains"] = {"availabilityDomains": []}

    with pytest.raises(pulumi.RunError, match="no availability domain"):
        deploy(engine, ARGS)


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"node_count": 3, "node_ocpus": 2, "node_memory_gb": 8, "node_boot_volume_gb": 100}, set[str]()),
        ({"api_allowed_cidrs": ["0.0.0.0/0"]}, set[str]()),
        ({"protect": False, "retain_on_delete": True}, set[str]()),
        ({"display_name": "renamed"}, {"name"}),
        ({"kubernetes_version": "v1.33.1"}, {"kubernetesVersion"}),
        ({"tags": {"stack": "other"}}, {"freeformTags", "options"}),
    ],
    ids=["nodes", "access", "protection", "name", "version", "tags"],
)
def test_only_properties_that_oke_updates_change_the_cluster(
    deployed: OciEngine, engine: OciEngine, change: dict[str, Any], changed: set[str]
) -> None:
    deploy(engine, replace(ARGS, **change))

    before, after = (each.find(CLUSTER_TYPE).inputs for each in (deployed, engine))
    assert {key for key in before if before[key] != after[key]} == changed
    fixed = ("serviceLbSubnetIds", "kubernetesNetworkConfig")
    assert [before["options"][key] for key in fixed] == [after["options"][key] for key in fixed]


def test_a_cluster_beyond_the_free_tier_logs_a_warning(engine: OciEngine) -> None:
    deploy(engine, replace(ARGS, node_count=3, node_memory_gb=1))

    (warning,) = engine.log
    assert "OCPUs" in warning.message
    assert warning.urn == engine.find("todo:cluster:OkeCluster").urn


def test_no_credential_of_the_environment_is_in_the_state(engine: OciEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_VAR_private_key", "TF_VAR_user_ocid", "TF_VAR_region", "OCI_CLI_KEY_CONTENT", "OCI_CLI_USER"):
        monkeypatch.setenv(name, example.CANARY)

    deploy(engine)

    assert example.CANARY not in repr((engine.resources, engine.outputs, engine.asked))
