"""What the cluster shows of the app at one moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from lightkube import ApiError, Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod
from lightkube.resources.networking_v1 import Ingress

from kube.objects import container_statuses, has_ended, is_terminating, load_balancer_address, uid
from settings.names import APPS, INGRESS, labels_of

SIMULATED = "its pods are simulated: no image is pulled, nothing runs and nothing listens"

_Component = create_namespaced_resource("dapr.io", "v1alpha1", "Component", "components")


@dataclass(frozen=True)
class Sight:
    """deployments: by name; pods: by app, without those that end or have ended.

    components: the names of Dapr's custom resources.
    """

    deployments: Mapping[str, Deployment]
    pods: Mapping[str, Sequence[Pod]]
    components: Collection[str]

    @property
    def restarts(self) -> Mapping[str | None, int]:
        """Return the restarts of each pod's containers, by the pod's UID: equal only while no container ends."""
        pods = [pod for app in APPS for pod in self.pods[app]]
        return {uid(pod): sum(status.restartCount for status in container_statuses(pod)) for pod in pods}


def see(client: Client, namespace: str) -> Sight:
    """Looks at the app's namespace. Raises httpx2.HTTPError and ConfigError where the cluster does not answer."""
    return Sight(
        {d.metadata.name or "": d for d in client.list(Deployment, namespace=namespace) if d.metadata},
        {app: list_pods(client, namespace, app) for app in APPS},
        _components(client, namespace),
    )


def url_of_ingress(client: Client, namespace: str) -> str:
    """Where the app's Ingress answers by now; empty while nothing leads to it.

    Raises httpx2.HTTPError and ConfigError where the cluster does not answer.
    """
    try:
        ingress = client.get(Ingress, INGRESS, namespace=namespace)
    except ApiError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return ""
        raise
    host = load_balancer_address(ingress)
    scheme = "https" if ingress.spec and ingress.spec.tls else "http"
    return f"{scheme}://{host}" if host else ""


def is_simulated(pod: Pod) -> bool:
    """Whether no kubelet runs it: a kubelet names the image of each container that runs."""
    return any(status.state and status.state.running and not status.imageID for status in container_statuses(pod))


def list_pods(client: Client, namespace: str, app: str) -> Sequence[Pod]:
    """An app's pods, without those that end or have ended. Raises as `see` does."""
    found = client.list(Pod, namespace=namespace, labels=labels_of(app))
    return [pod for pod in found if not is_terminating(pod) and not has_ended(pod)]


def _components(client: Client, namespace: str) -> Collection[str]:
    try:
        return {c.metadata.name or "" for c in client.list(_Component, namespace=namespace) if c.metadata}
    except ApiError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return set()  # not even the definition is there
        raise
