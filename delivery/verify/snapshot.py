"""The app's objects in the cluster at one moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from lightkube import ApiError, Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod
from lightkube.resources.networking_v1 import Ingress

from kube.objects import container_statuses, has_ended, is_terminating, load_balancer_address, name, uid
from settings.names import APPS, INGRESS, labels_of

SIMULATED = "the pods are simulated: no image is pulled, no container runs, no port listens"

_Component = create_namespaced_resource("dapr.io", "v1alpha1", "Component", "components")


@dataclass(frozen=True)
class Snapshot:
    deployments: Mapping[str | None, Deployment]  # by name
    pods: Mapping[str, Sequence[Pod]]  # by app, without terminating and ended ones
    components: Collection[str | None]  # the names of Dapr's Component resources

    @property
    def restarts(self) -> Mapping[str | None, int]:
        """Return the restarts of each pod's containers, by the pod's UID: equal only while no container ends."""
        pods = [pod for app in APPS for pod in self.pods[app]]
        return {uid(pod): sum(status.restartCount for status in container_statuses(pod)) for pod in pods}

    @property
    def is_simulated(self) -> bool:
        return any(is_simulated(pod) for app in APPS for pod in self.pods[app])


def take(client: Client, namespace: str) -> Snapshot:
    """Return the app's objects as they are now.

    Raises httpx2.HTTPError and ConfigError where the cluster is unreachable, as all functions here do.
    """
    return Snapshot(
        {name(deployment): deployment for deployment in client.list(Deployment, namespace=namespace)},
        {app: list_pods(client, namespace, app) for app in APPS},
        _components(client, namespace),
    )


def ingress_url(client: Client, namespace: str) -> str | None:
    """Return the URL of the app's Ingress, or None while it has no address."""
    try:
        ingress = client.get(Ingress, INGRESS, namespace=namespace)
    except ApiError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise
    host = load_balancer_address(ingress)
    scheme = "https" if ingress.spec and ingress.spec.tls else "http"
    return f"{scheme}://{host}" if host else None


def list_pods(client: Client, namespace: str, app: str) -> Sequence[Pod]:
    """Return an app's pods without terminating and ended ones."""
    pods = client.list(Pod, namespace=namespace, labels=labels_of(app))
    return [pod for pod in pods if not is_terminating(pod) and not has_ended(pod)]


def is_simulated(pod: Pod) -> bool:
    """Return whether no kubelet runs the pod: a kubelet sets the image ID of each running container."""
    return any(status.state and status.state.running and not status.imageID for status in container_statuses(pod))


def _components(client: Client, namespace: str) -> Collection[str | None]:
    try:
        return {name(component) for component in client.list(_Component, namespace=namespace)}
    except ApiError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return set()  # Dapr's definitions are not installed
        raise
