"""Where a load balancer answers, as the status of a Service or an Ingress tells it."""

from lightkube.resources.core_v1 import Service
from lightkube.resources.networking_v1 import Ingress


def address(behind: Service | Ingress) -> str:
    """The first host name or address of the load balancer in front of it; empty while it has none."""
    balancer = behind.status and behind.status.loadBalancer
    points = (balancer and balancer.ingress) or []
    return next((point.hostname or point.ip or "" for point in points), "")
