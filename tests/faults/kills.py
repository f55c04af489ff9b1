"""kill -9 of the engine, the program and the provider, at points of a first and of a later update."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias, get_args

from tests.support.faults.case import CASES, RECOVER, UP_ALONE, Case
from tests.support.faults.sandbox import Sandbox
from tests.support.faults.update import KAFKA_SECRET, Update, Victim, started, step_ends, step_starts
from tests.support.project import Outcome

Reached: TypeAlias = Callable[[Update], bool]

COMPONENT = "kubernetes:dapr.io/v1alpha1:Component::todo-pubsub"
RELEASE = "kubernetes:helm.sh/v3:Release::todo-app"


_OF_A_FIRST_UPDATE: Mapping[str, Callable[[Sandbox], Reached]] = {
    "a namespace is made": lambda _: step_starts("kubernetes:core/v1:Namespace::dapr-system"),
    "Dapr's definitions are made": lambda _: step_starts(
        "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::"
    ),
    "Dapr is installed": lambda sandbox: sandbox.helm_is_busy("dapr", "dapr-system"),
    # Its token: its account is created while GitHub creates a variable, and only a person can tell whether GitHub did.
    "the deployer is made": lambda _: step_starts("kubernetes:core/v1:Secret::todo-app-deployer-token"),
    "the app is installed": lambda sandbox: sandbox.helm_is_busy("todo-app", "default"),
}
_OF_A_LATER_UPDATE: Mapping[str, Callable[[Sandbox], Reached]] = {
    "nothing is changed yet": lambda _: started,
    "a secret is rotated": lambda _: step_starts(KAFKA_SECRET),
    "a Dapr component is changed": lambda _: step_starts(COMPONENT),
    "the app is upgraded": lambda sandbox: sandbox.helm_is_busy("todo-app", "default"),
    "the app is there and the outputs are not": lambda _: step_ends(RELEASE),
}


def _kill(sandbox: Sandbox, *, victim: Victim, point: Callable[[Sandbox], Reached]) -> Outcome:
    with sandbox.updating() as update:
        update.wait_until(point(sandbox))
        update.kill(victim)
        return update.end()


for _points, _prepare, _replaced in (
    # Helm removes an incomplete release and installs it again.
    (_OF_A_FIRST_UPDATE, Sandbox.destroy, r"\(Helm\)"),
    (_OF_A_LATER_UPDATE, Sandbox.change, ""),
):
    for _name, _point in _points.items():
        for _victim in get_args(Victim):
            CASES.append(
                Case(
                    f"kill -9 of the {_victim} while {_name}",
                    partial(_kill, victim=_victim, point=_point),
                    (UP_ALONE, RECOVER),
                    _replaced,
                    _prepare,
                )
            )
