"""What a cluster costs beyond what is always free in OCI."""

# The monthly allowance of every tenancy, in its home region, and what is beyond it in US dollars.
# https://docs.oracle.com/en-us/iaas/Content/FreeTier/freetier_topic-Always_Free_Resources.htm
# https://www.oracle.com/cloud/price-list/
_FREE_OCPU_HOURS, _OCPU_HOUR = 1500, 0.01
_FREE_GB_HOURS, _GB_HOUR = 9000, 0.0015
_FREE_STORAGE_GB, _STORAGE_GB_MONTH = 200, 0.0425  # a boot volume's 10 performance units included
_HOURS = 744  # of the longest month


def costs(nodes: int, node_ocpus: int, node_memory_gb: int, node_boot_volume_gb: int) -> list[str]:
    """What a cluster costs beyond the free allowance, a sentence each, where it is the only user of that.

    Sources: see the allowance. Volumes and load balancers that the cluster makes come on top of this.
    """
    ocpus, memory = nodes * node_ocpus, nodes * node_memory_gb
    storage = nodes * node_boot_volume_gb
    beyond = {
        f"The nodes have {ocpus} OCPUs; {_FREE_OCPU_HOURS // _HOURS} are free": (
            (ocpus * _HOURS - _FREE_OCPU_HOURS) * _OCPU_HOUR
        ),
        f"The nodes have {memory} GB of memory; {_FREE_GB_HOURS // _HOURS} are free": (
            (memory * _HOURS - _FREE_GB_HOURS) * _GB_HOUR
        ),
        f"The nodes have {storage} GB of boot volumes; {_FREE_STORAGE_GB}, of all volumes, are free": (
            (storage - _FREE_STORAGE_GB) * _STORAGE_GB_MONTH
        ),
    }
    return [
        f"{what}: the rest costs about {dollars:.2f} USD a month, and an Always Free account does not get it."
        for what, dollars in beyond.items()
        if dollars > 0
    ]
