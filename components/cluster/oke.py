"""An OKE cluster that the stack creates."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_oci as oci
from pulumi_oci.containerengine import NodePoolNodeConfigDetailsPlacementConfigArgsDict as PlacementDict

from components.cluster import free_tier
from components.cluster.network import API_CIDR, OkeNetwork, OkeNetworkArgs
from components.cluster.oke_access import oke_kubeconfig
from components.cluster.protocol import kubernetes_provider
from components.errors import as_run_errors
from kube.kubeconfig import Kubeconfig
from oke.exec_plugin import read
from system.errors import UserError

_POOL = "nodes"  # the name of the only node pool

# Outside the VCN's block; a change of either replaces the cluster.
PODS_CIDR = "10.244.0.0/16"
SERVICES_CIDR = "10.96.0.0/16"

# https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces
_INITIAL_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

NODE_SHAPE = "VM.Standard.A1.Flex"
# Unlike with VCN-native pods, small nodes can run many pods.
# https://docs.oracle.com/en-us/iaas/Content/ContEng/Concepts/contengpodnetworking_topic-flannel_CNI_plugin.htm
_CNI = "FLANNEL_OVERLAY"

# Such as Oracle-Linux-8.10-aarch64-2025.01.31-0-OKE-1.32.1-758; images with GPU drivers do not match.
_NODE_IMAGE = re.compile(
    r"Oracle-Linux-[\d.]+-aarch64-(?P<date>\d{4}\.\d\d\.\d\d)-(?P<edition>\d+)"
    r"-OKE-(?P<kubernetes>\d+\.\d+\.\d+)-(?P<build>\d+)"
)


@dataclass(frozen=True)
class OkeClusterArgs:
    """Arguments of OkeCluster."""

    stack: str  # the stack that creates it
    region: str  # such as eu-frankfurt-1
    compartment_ocid: str  # another compartment replaces the cluster
    display_name: str
    kubernetes_version: str | None  # such as v1.34.1; None for OKE's newest at creation, which then stays
    node_count: int
    node_ocpus: int  # the size of each node
    node_memory_gb: int
    node_boot_volume_gb: int
    api_allowed_cidrs: Sequence[str]  # IPv4 blocks that may connect to the Kubernetes API
    protect: bool  # Pulumi's options, for the cluster, its nodes and its network
    retain_on_delete: bool
    tags: Mapping[str, str]  # free-form tags of OCI, also on the cluster's own volumes and load balancers


class OkeCluster(pulumi.ComponentResource):
    """A basic cluster, whose control plane is free, with one pool of Arm nodes in its own network.

    Another node size or version applies to new nodes only. To apply it to all, delete the nodes one by one and let the
    pool replace each: only enhanced clusters cycle nodes automatically.
    https://docs.oracle.com/en-us/iaas/Content/ContEng/Tasks/contengupgradingimageworkernode_topic-Performing_an_InPlace_Worker_Node_Update_By_Updating_an_Existing_Node_Pool.htm
    The pool gets the newest image for its Kubernetes version when it is created and when the version changes; a newer
    image alone is no change.
    """

    cluster_id: pulumi.Output[str]  # OCID, known once the cluster has nodes
    provider: kubernetes.Provider
    kubeconfig: pulumi.Output[Kubeconfig]
    api_cidr: str
    load_balancer_group: pulumi.Output[str]

    def __init__(self, name: str, args: OkeClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:cluster:OkeCluster", name, opts=opts)
        for cost in free_tier.costs(args.node_count, args.node_ocpus, args.node_memory_gb, args.node_boot_volume_gb):
            pulumi.log.warn(cost, self)
        self._stack = args.stack
        # Credentials come from the environment or from ~/.oci/config and are never in the state.
        region = oci.Provider(name, region=args.region, opts=pulumi.ResourceOptions(parent=self))
        network = OkeNetwork(
            name,
            OkeNetworkArgs(
                compartment_ocid=args.compartment_ocid,
                display_name=args.display_name,
                api_allowed_cidrs=args.api_allowed_cidrs,
                protect=args.protect,
                retain_on_delete=args.retain_on_delete,
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self, providers=[region]),
        )
        # On the whole network: nodes need the routes and rules to exist before they register.
        kept = pulumi.ResourceOptions(
            parent=self,
            provider=region,
            depends_on=[network],
            protect=args.protect,
            retain_on_delete=args.retain_on_delete,
        )
        cluster = _cluster(name, args, network, kept)
        # The pool's own output, so that every user of the cluster waits for its nodes.
        self.cluster_id = _node_pool(name, args, network, cluster, kept).cluster_id
        self.api_cidr = API_CIDR
        self.load_balancer_group = network.load_balancers.group_id
        content = oke_kubeconfig(self.cluster_id, args.region, pulumi.InvokeOutputOptions(parent=self, provider=region))
        self.kubeconfig = content.apply(read)
        self.provider = kubernetes_provider(
            name,
            kubeconfig=content,
            context=None,
            identifier=self.cluster_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"clusterId": self.cluster_id})

    def owner_of(self, namespace: str) -> str | None:
        """Return the stack, or None for the namespaces that every cluster has from the start."""
        return None if namespace in _INITIAL_NAMESPACES else self._stack


def _cluster(
    name: str, args: OkeClusterArgs, network: OkeNetwork, kept: pulumi.ResourceOptions
) -> oci.containerengine.Cluster:
    newest = oci.containerengine.get_cluster_option_output(
        cluster_option_id="all", opts=pulumi.InvokeOutputOptions(parent=kept.parent, provider=kept.provider)
    ).kubernetes_versions.apply(lambda versions: max(versions, key=_numbers))
    return oci.containerengine.Cluster(
        name,
        compartment_id=args.compartment_ocid,
        name=args.display_name,
        type="BASIC_CLUSTER",
        kubernetes_version=args.kubernetes_version or newest,
        vcn_id=network.vcn_id,
        cluster_pod_network_options=[{"cni_type": _CNI}],
        endpoint_config={
            "subnet_id": network.api.subnet_id,
            "nsg_ids": [network.api.group_id],
            "is_public_ip_enabled": True,
        },
        options={
            "service_lb_subnet_ids": [network.load_balancers.subnet_id],
            "kubernetes_network_config": {"pods_cidr": PODS_CIDR, "services_cidr": SERVICES_CIDR},
            "persistent_volume_config": {"freeform_tags": args.tags},
            "service_lb_config": {"freeform_tags": args.tags},
        },
        freeform_tags=args.tags,
        opts=pulumi.ResourceOptions.merge(
            kept,
            pulumi.ResourceOptions(
                ignore_changes=[] if args.kubernetes_version else ["kubernetesVersion"],
                custom_timeouts=pulumi.CustomTimeouts(create="30m", update="1h", delete="30m"),
            ),
        ),
    )


def _node_pool(
    name: str,
    args: OkeClusterArgs,
    network: OkeNetwork,
    cluster: oci.containerengine.Cluster,
    kept: pulumi.ResourceOptions,
) -> oci.containerengine.NodePool:
    invoke = pulumi.InvokeOutputOptions(parent=kept.parent, provider=kept.provider)
    offered = oci.containerengine.get_node_pool_option_output(
        node_pool_option_id="all", should_list_all_patch_versions=True, opts=invoke
    ).sources.apply(lambda sources: {source.source_name: source.image_id for source in sources})
    used = oci.containerengine.get_node_pools_output(
        compartment_id=args.compartment_ocid,
        cluster_id=cluster.id,
        name=_POOL,
        states=["ACTIVE", "UPDATING", "NEEDS_ATTENTION"],
        opts=invoke,
    ).node_pools.apply(lambda pools: {pool.kubernetes_version: pool.node_source_details[0].image_id for pool in pools})
    image = pulumi.Output.all(cluster.kubernetes_version, used, offered).apply(lambda known: _node_image(*known))
    placements = oci.identity.get_availability_domains_output(
        compartment_id=args.compartment_ocid, opts=invoke
    ).availability_domains.apply(
        lambda domains: _placements([domain.name for domain in domains], network.nodes.subnet_id)
    )
    return oci.containerengine.NodePool(
        name,
        compartment_id=args.compartment_ocid,
        cluster_id=cluster.id,
        name=_POOL,
        kubernetes_version=cluster.kubernetes_version,
        node_shape=NODE_SHAPE,
        node_shape_config={"ocpus": args.node_ocpus, "memory_in_gbs": args.node_memory_gb},
        node_source_details={
            "source_type": "IMAGE",
            "image_id": image,
            "boot_volume_size_in_gbs": str(args.node_boot_volume_gb),
        },
        node_config_details={
            "size": args.node_count,
            "placement_configs": placements,
            "nsg_ids": [network.nodes.group_id],
            "node_pool_pod_network_option_details": {"cni_type": _CNI},
            "freeform_tags": args.tags,
        },
        # Otherwise a pod that cannot be evicted blocks the node, and the update, for an hour.
        node_eviction_node_pool_settings={
            "eviction_grace_duration": "PT15M",
            "is_force_delete_after_grace_duration": True,
        },
        freeform_tags=args.tags,
        opts=pulumi.ResourceOptions.merge(
            kept,
            pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="30m", update="1h", delete="1h")),
        ),
    )


@as_run_errors()
def _placements(domains: Sequence[str], subnet_id: pulumi.Input[str]) -> Sequence[pulumi.Input[PlacementDict]]:
    if not domains:
        raise UserError(
            "OCI lists no availability domain for the nodes; a policy must allow the user to inspect compartments in "
            "the tenancy."
        )
    # OCI lists the domains in any order.
    return [{"availability_domain": domain, "subnet_id": subnet_id} for domain in sorted(domains)]


@as_run_errors()
def _node_image(version: str, used: Mapping[str, str], offered: Mapping[str, str]) -> str:
    """Return the OCID of a version's image: the image in use (by version), else the newest one offered (by name)."""
    if version in used:
        return used[version]
    named = ((_NODE_IMAGE.fullmatch(name), image_id) for name, image_id in offered.items())
    images = {
        (_numbers(match["date"]), int(match["edition"]), int(match["build"]), match[0]): image_id
        for match, image_id in named
        if match and f"v{match['kubernetes']}" == version
    }
    if not images:
        raise UserError(
            f"OKE has no image for Arm nodes with Kubernetes {version}; its console lists the versions of node pools.",
            "pulumi config set kubernetesVersion VERSION",
        )
    return images[max(images)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
