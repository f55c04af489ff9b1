"""kill -9 of the engine, the program and the provider, at ten points of a first and of a later update."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias, get_args

from lightkube import Client, KubeConfig
from lightkube.resources.core_v1 import Secret

from tests.faults.case import CASES, RECOVER, UP_ALONE, Case
from tests.faults.site import Site
from tests.faults.update import Update, Victim, begins, begun, is_done
from tests.support.project import Outcome

Reached: TypeAlias = Callable[[Update], bool]

COMPONENT = "kubernetes:dapr.io/v1alpha1:Component::todo-pubsub"
RELEASE = "kubernetes:helm.sh/v3:Release::todo-app"
SECRET = "kubernetes:core/v1:Secret::kafka-secrets"


def helm_waits(site: Site, release: str, namespace: str) -> Reached:
    """Helm has begun with a release, and is not done."""
    client = Client(config=KubeConfig.from_file(site.direct))

    def waits(_: Update) -> bool:
        records = client.list(Secret, namespace=namespace, labels={"owner": "helm", "name": release})
        return any(((each.metadata and each.metadata.labels) or {})["status"].startswith("pending") for each in records)

    return waits


_OF_A_FIRST_UPDATE: Mapping[str, Callable[[Site], Reached]] = {
    "a namespace is made": lambda _: begins("kubernetes:core/v1:Namespace::dapr-system"),
    "Dapr's definitions are made": lambda _: begins("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::"),
    "Dapr is installed": lambda site: helm_waits(site, "dapr", "dapr-system"),
    # Its token, for the account is made while GitHub makes a variable, of which only a person can tell whether it did.
    "the deployer is made": lambda _: begins("kubernetes:core/v1:Secret::todo-app-deployer-token"),
    "the app is installed": lambda site: helm_waits(site, "todo-app", "default"),
}
_OF_A_LATER_UPDATE: Mapping[str, Callable[[Site], Reached]] = {
    "nothing is changed yet": lambda _: begun,
    "a secret is rotated": lambda _: begins(SECRET),
    "a Dapr component is changed": lambda _: begins(COMPONENT),
    "the app is upgraded": lambda site: helm_waits(site, "todo-app", "default"),
    "the app is there and the outputs are not": lambda _: is_done(RELEASE),
}


def _kill(site: Site, *, victim: Victim, point: Callable[[Site], Reached]) -> Outcome:
    with site.updating() as update:
        update.wait_until(point(site))
        update.kill(victim)
        return update.end()


for _points, _prepare, _replaced in (
    # What Helm did not complete it takes away and makes anew.
    (_OF_A_FIRST_UPDATE, Site.tear_down, r"\(Helm\)"),
    (_OF_A_LATER_UPDATE, Site.change, ""),
):
    for _told, _point in _points.items():
        for _victim in get_args(Victim):
            CASES.append(
                Case(
                    f"kill -9 of the {_victim} while {_told}",
                    partial(_kill, victim=_victim, point=_point),
                    (UP_ALONE, RECOVER),
                    _replaced,
                    _prepare,
                )
            )
