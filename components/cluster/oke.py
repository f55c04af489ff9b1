"""An OKE cluster that the stack makes."""

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

# Of the only one in the cluster.
_POOL = "nodes"

# Outside of the VCN's block; neither can be changed without another cluster.
PODS_CIDR = "10.244.0.0/16"
SERVICES_CIDR = "10.96.0.0/16"

# https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces
_MADE_WITH_IT = ("default", "kube-node-lease", "kube-public", "kube-system")

NODE_SHAPE = "VM.Standard.A1.Flex"
# How many pods a node may run does not depend on its shape, as it does with VCN-native pods: small nodes are enough.
# https://docs.oracle.com/en-us/iaas/Content/ContEng/Concepts/contengpodnetworking_topic-flannel_CNI_plugin.htm
_CNI = "FLANNEL_OVERLAY"

# As in Oracle-Linux-8.10-aarch64-2025.01.31-0-OKE-1.32.1-758, which excludes the images with drivers for GPUs.
_NODE_IMAGE = re.compile(
    r"Oracle-Linux-[\d.]+-aarch64-(?P<date>\d{4}\.\d\d\.\d\d)-(?P<edition>\d+)"
    r"-OKE-(?P<kubernetes>\d+\.\d+\.\d+)-(?P<build>\d+)"
)


@dataclass(frozen=True)
class OkeClusterArgs:
    """stack: the stack that makes it. region: of OCI, like eu-frankfurt-1.

    compartment_ocid: where it is made; another compartment is another cluster. display_name: its name in OCI.

    kubernetes_version: such as v1.34.1; where it is empty, the newest that OKE supports when the cluster is made, kept
        from then on.
    node_count, node_ocpus, node_memory_gb, node_boot_volume_gb: the nodes, and each node's size in GB.
    api_allowed_cidrs: the IPv4 blocks from which anyone may connect to the Kubernetes API.
    protect, retain_on_delete: as Pulumi has them, for the cluster, its nodes and its network.
    tags: free-form tags of OCI; the volumes and load balancers that the cluster makes get them too.
    """

    stack: str
    region: str
    compartment_ocid: str
    display_name: str
    kubernetes_version: str
    node_count: int
    node_ocpus: int
    node_memory_gb: int
    node_boot_volume_gb: int
    api_allowed_cidrs: Sequence[str]
    protect: bool
    retain_on_delete: bool
    tags: Mapping[str, str]


class OkeCluster(pulumi.ComponentResource):
    """A basic cluster, whose control plane costs nothing, with one pool of Arm nodes in a network of its own.

    Another size or version of the nodes is for those that the pool starts from then on. Who wants it for all of them
    deletes them one by one, and the pool replaces each: OKE does that by itself in enhanced clusters only.
    https://docs.oracle.com/en-us/iaas/Content/ContEng/Tasks/contengupgradingimageworkernode_topic-Performing_an_InPlace_Worker_Node_Update_By_Updating_an_Existing_Node_Pool.htm
    The nodes' image is the newest for the version, chosen when the pool is made and when its version changes, and kept
    in between: a newer image is no change.

    cluster_id: the OCID of the cluster, once it has nodes.
    provider, kubeconfig: the way to what is on it, with the credentials of whoever runs the program.
    api_cidr: the IPv4 block in which the pods find the Kubernetes API.
    load_balancer_group: the OCID of the network security group that lets a load balancer's traffic through.
    """

    cluster_id: pulumi.Output[str]
    provider: kubernetes.Provider
    kubeconfig: pulumi.Output[Kubeconfig]
    api_cidr: str
    load_balancer_group: pulumi.Output[str]

    def __init__(self, name: str, args: OkeClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:cluster:OkeCluster", name, opts=opts)
        for cost in free_tier.costs(args.node_count, args.node_ocpus, args.node_memory_gb, args.node_boot_volume_gb):
            pulumi.log.warn(cost, self)
        self._stack = args.stack
        # Its credentials are those of the environment or of ~/.oci/config, and never in the state.
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
        # On the whole network: nothing can register with a cluster whose rules and routes are still to come.
        kept = pulumi.ResourceOptions(
            parent=self,
            provider=region,
            depends_on=[network],
            protect=args.protect,
            retain_on_delete=args.retain_on_delete,
        )
        cluster = _cluster(name, args, network, kept)
        # The pool's own output, for whoever uses the cluster to wait for its nodes.
        self.cluster_id = _node_pool(name, args, network, cluster, kept).cluster_id
        self.api_cidr = API_CIDR
        self.load_balancer_group = network.load_balancers.group_id
        written = oke_kubeconfig(self.cluster_id, args.region, pulumi.InvokeOutputOptions(parent=self, provider=region))
        self.kubeconfig = written.apply(read)
        self.provider = kubernetes_provider(
            name,
            kubeconfig=written,
            context=None,
            identifier=self.cluster_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"clusterId": self.cluster_id})

    def owner_of(self, namespace: str) -> str | None:
        """The stack, but for the namespaces that every cluster is made with."""
        return None if namespace in _MADE_WITH_IT else self._stack


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
    asked = pulumi.InvokeOutputOptions(parent=kept.parent, provider=kept.provider)
    offered = oci.containerengine.get_node_pool_option_output(
        node_pool_option_id="all", should_list_all_patch_versions=True, opts=asked
    ).sources.apply(lambda sources: {source.source_name: source.image_id for source in sources})
    used = oci.containerengine.get_node_pools_output(
        compartment_id=args.compartment_ocid,
        cluster_id=cluster.id,
        name=_POOL,
        states=["ACTIVE", "UPDATING", "NEEDS_ATTENTION"],
        opts=asked,
    ).node_pools.apply(lambda pools: {pool.kubernetes_version: pool.node_source_details[0].image_id for pool in pools})
    image = pulumi.Output.all(cluster.kubernetes_version, used, offered).apply(lambda known: _node_image(*known))
    placements = oci.identity.get_availability_domains_output(
        compartment_id=args.compartment_ocid, opts=asked
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
        # Else a pod that may not be evicted keeps a node, and the update, for an hour.
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
            "OCI names no availability domain to place the nodes in.\n"
            "    Allow group GROUP to inspect compartments in tenancy   is the policy for that"
        )
    # OCI lists the domains in any order.
    return [{"availability_domain": domain, "subnet_id": subnet_id} for domain in sorted(domains)]


@as_run_errors()
def _node_image(version: str, used: Mapping[str, str], offered: Mapping[str, str]) -> str:
    """The OCID of a version's image: the one that is used for it, by version, else the newest one offered, by name."""
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
            f"OKE has no image for Arm nodes with Kubernetes {version}.\n"
            "    pulumi config set kubernetesVersion v1.34.1   or another that the console offers for node pools"
        )
    return images[max(images)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
