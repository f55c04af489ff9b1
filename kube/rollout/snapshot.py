"""The objects of a release at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass

from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event, Node, Pod


@dataclass(frozen=True)
class Snapshot:
    """The objects that a release has created or changed by one moment."""

    controllers: Sequence[Deployment | ReplicaSet]
    """The newest ReplicaSet of each Deployment, or the Deployment itself."""
    pods: Sequence[Pod]
    """The pods of the controllers and the jobs."""
    jobs: Sequence[Job] = ()
    """The release's hooks."""
    deployments: Sequence[Deployment] = ()
    """All Deployments of the release, also those that it has not changed yet."""
    is_applied: bool = False
    """Whether Helm has applied the release and only waits for it."""
    terminating_in_namespace: bool = False
    """Whether a pod of the namespace is terminating."""
    terminating_in_cluster: bool = False
    """Whether a pod of any namespace is terminating, as far as those can be listed."""
    events: Sequence[Event] = ()
    """The events of the namespace."""
    nodes: Sequence[Node] | None = None
    """The cluster's nodes; None where they cannot be listed."""
