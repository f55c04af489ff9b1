"""Past updates of a stack, and a rollback to one of them."""

from collections.abc import Mapping
from typing import Any

import yaml

from tests.support.command_line import Delivery
from tests.support.pulumi_command import PulumiCommand, step, update

VALUES = "infra/values.yaml"
CONFIG: Mapping[str, Any] = {
    "todo-oke:valuesFile": VALUES,
    "todo-oke:imageSource": "build",
    "todo-oke:nodeCount": "2",
    "todo-oke:kafkaPassword": {"secure": "v1:today"},
}
RELEASE = step("update", "kubernetes:helm.sh/v3:Release", "todo-app")
OLD = {"frontendImage": f"ghcr.io/o/f@sha256:{'1a' * 32}", "backendImage": f"ghcr.io/o/b@sha256:{'1b' * 32}"}
NEW = {"frontendImage": f"ghcr.io/o/f@sha256:{'2a' * 32}", "backendImage": f"ghcr.io/o/b@sha256:{'2b' * 32}"}
TAGS = {"frontendImage": "r.example/f:v1", "backendImage": "r.example/b:v1"}


def pinned(commit: str, images: Mapping[str, str] = OLD, **settings: str) -> dict[str, Any]:
    return update(commit, **{"imageSource": "pinned", "valuesFile": VALUES, **images, **settings})


def built(commit: str) -> dict[str, Any]:
    return update(commit, imageSource="build", imageRegistry="ghcr.io/o", valuesFile=VALUES)


class Rollback:
    """`rollback` of the stack `oke`."""

    def __init__(self, pulumi: PulumiCommand, delivery: Delivery) -> None:
        self._pulumi, self._delivery = pulumi, delivery

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run it with --yes unless --preview is given, and return what it printed, never with a canary."""
        confirmed = [] if "--preview" in arguments else ["--yes"]
        printed = "".join(self._delivery("rollback", *confirmed, *arguments, code=code))
        assert "canary" not in printed + "".join(self._pulumi.calls)
        return printed

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings of its preview, and so of its update."""
        return self.document["config"]

    @property
    def document(self) -> Mapping[str, Any]:
        return yaml.safe_load((self._pulumi.seen / "Pulumi.oke.yaml").read_text())
