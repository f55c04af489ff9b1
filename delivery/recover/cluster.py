"""The cluster of a stack's releases, reached by the provider that the state names, as an update reaches it."""

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
    """Helm and its records. All methods raise UserError where the cluster is unreachable.

    The deployer's kubeconfig does not suffice: a first update that was killed may not have made it, and it leads to one
    namespace only.
    """

    def __init__(self, stack: str) -> None:
        self._stack = stack
        self._kubeconfigs: dict[str | None, Kubeconfig] = {}

    def revisions(self, release: Resource) -> list[Revision]:
        """Return all revisions that Helm remembers of a release, the oldest first."""
        kubeconfig = self._kubeconfig(release)
        with translate_errors(kubeconfig):
            return helm.revisions(kubeconfig.client(), release.inputs["namespace"], release.inputs["name"])

    def helm(self, release: Resource, arguments: Sequence[str]) -> None:
        """Run a command of Helm that changes a release, without a timeout of ours."""
        kubeconfig = self._kubeconfig(release)
        with _file(kubeconfig) as path:
            command = [*arguments, "--kube-context", kubeconfig.context]
            done = process.run(command, {**os.environ, "KUBECONFIG": path}, seconds=None)
        if done.code:
            raise UserError(f"`{' '.join(command)}` failed: {(done.output + done.errors).strip()}")

    def _kubeconfig(self, release: Resource) -> Kubeconfig:
        if release.provider not in self._kubeconfigs:
            inputs = stack.secret_inputs(self._stack, release.provider or "")
            self._kubeconfigs[release.provider] = access.of_provider(self._stack, inputs)
        return self._kubeconfigs[release.provider]


@contextmanager
def _file(kubeconfig: Kubeconfig) -> Generator[str]:
    if kubeconfig.is_path:
        yield os.path.expanduser(kubeconfig.source)  # noqa: PTH111 (as it was read)
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:  # which only its owner may read
        file.write(kubeconfig.source)
        file.flush()
        yield file.name
