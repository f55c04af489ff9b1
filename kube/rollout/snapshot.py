"""The objects of a release at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass

from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event, Node, Pod


@dataclass(frozen=True)
class Snapshot:
    """The objects that a release has created or changed by one moment."""

    controllers: Sequence[Deployment | ReplicaSet]  # the newest ReplicaSet of each Deployment, or the Deployment
    pods: Sequence[Pod]  # of the controllers and the jobs
    jobs: Sequence[Job] = ()  # the release's hooks
    deployments: Sequence[Deployment] = ()  # also those that the release has not changed yet
    is_applied: bool = False  # whether Helm has applied the release and only waits for it
    terminating_in_namespace: bool = False  # whether a pod terminates, which frees quota
    terminating_in_cluster: bool = False  # whether one does in any namespace that can be listed, which frees its node
    events: Sequence[Event] = ()  # of the namespace
    nodes: Sequence[Node] | None = None  # None where they cannot be listed
