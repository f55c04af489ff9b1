"""The cost of a cluster beyond OCI's Always Free allowance."""

# The monthly allowance of a tenancy in its home region, and prices beyond it in US dollars.
# https://docs.oracle.com/en-us/iaas/Content/FreeTier/freetier_topic-Always_Free_Resources.htm
# https://www.oracle.com/cloud/price-list/
_FREE_OCPU_HOURS, _OCPU_HOUR = 1500, 0.01
_FREE_GB_HOURS, _GB_HOUR = 9000, 0.0015
_FREE_STORAGE_GB, _STORAGE_GB_MONTH = 200, 0.0425  # a boot volume's 10 performance units included
_HOURS = 744  # of the longest month


def costs(nodes: int, node_ocpus: int, node_memory_gb: int, node_boot_volume_gb: int) -> list[str]:
    """Return one sentence for each cost of a cluster that has the whole allowance.

    The volumes and load balancers of the cluster's workloads are extra.
    """
    ocpus, memory, storage = nodes * node_ocpus, nodes * node_memory_gb, nodes * node_boot_volume_gb
    dollars = {
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
        f"{excess}: the rest costs about {cost:.2f} USD a month, and an Always Free account cannot have it."
        for excess, cost in dollars.items()
        if cost > 0
    ]
