"""The cluster that a stack's releases are on, reached as an update reaches it: by the provider that the state names."""

import os
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from delivery import access
from delivery.engine import stack
from delivery.recover.checkpoint import Resource
from kube import helm
from kube.errors import translate_errors
from kube.helm import Revision
from kube.kubeconfig import Kubeconfig
from system import process
from system.errors import UserError


class Cluster:
    """What Helm recorded there, and Helm itself. Everything raises UserError where the cluster cannot be reached.

    The deployer's kubeconfig is not enough for it: an update that was killed at first may not have made it yet, and it
    leads to one namespace alone.
    """

    def __init__(self, stack: str) -> None:
        self._stack = stack
        self._reached_by: dict[str, Kubeconfig] = {}

    def revisions(self, release: Resource) -> list[Revision]:
        """All revisions that Helm remembers of a release, the oldest first."""
        reached = self._kubeconfig(release.provider)
        with translate_errors(reached):
            return helm.read(reached.client(), release.inputs["namespace"], release.inputs["name"])

    def helm(self, release: Resource, arguments: Sequence[str]) -> None:
        """Runs a command of Helm that changes a release, and lets it end."""
        reached = self._kubeconfig(release.provider)
        with _file(reached) as path:
            command = [*arguments, "--kube-context", reached.context]
            done = process.run(command, {**os.environ, "KUBECONFIG": path}, seconds=None)
        if done.code:
            raise UserError(f"`{' '.join(command)}` failed:\n{(done.output + done.errors).strip()}")

    def _kubeconfig(self, provider: str) -> Kubeconfig:
        if provider not in self._reached_by:
            inputs = stack.secret_inputs(self._stack, provider)
            self._reached_by[provider] = access.of_provider(self._stack, inputs)
        return self._reached_by[provider]


@contextmanager
def _file(reached: Kubeconfig) -> Generator[str]:
    if reached.is_path:
        yield os.path.expanduser(reached.source)  # noqa: PTH111 (as it was read)
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:  # which nobody else may read
        file.write(reached.source)
        file.flush()
        yield file.name
