"""Helm releases whose last operation never ended, and releases that are only in the state or only in the cluster.

Sources: https://github.com/helm/helm/blob/v3.18.6/pkg/action/upgrade.go and install.go (what Helm refuses),
https://github.com/pulumi/pulumi-kubernetes/blob/v4.25.0/provider/pkg/provider/helm_release.go (what the provider asks).
"""

import os
from collections.abc import Iterable, Sequence

from delivery.engine import stack, stack_config
from delivery.recover.checkpoint import HELM_RELEASE, Checkpoint, Resource
from delivery.recover.cluster import Cluster
from delivery.recover.finding import Finding
from kube.helm import Revision
from settings.names import RELEASE
from system.errors import UserError

_PROVIDER_TIMEOUT = 300  # seconds, of a release that sets none


def find_unfinished(name: str, state: Checkpoint, cluster: Cluster) -> Finding | None:
    """Return a release with an operation in progress, for which Helm refuses every other operation."""
    known = [*state.resources, *(operation.resource for operation in state.operations)]
    candidates = [*known, *_app_release(name, known)]
    for release in {one.urn: one for one in candidates if one.is_release}.values():
        revisions = cluster.revisions(release)
        if revisions and (revisions[-1].pending or revisions[-1].status == "uninstalled"):
            return _unfinished(release, revisions, cluster)
    return None


def find_missing(name: str, state: Checkpoint, cluster: Cluster) -> Finding | None:
    """Return a release that is only in the state. An update without a refresh would not notice."""
    declared = (one for one in state.resources if one.is_release)
    return next((_missing(name, release) for release in declared if not cluster.revisions(release)), None)


def find_unknown(name: str, state: Checkpoint, planned: Iterable[Resource], cluster: Cluster) -> Finding | None:
    """Return a release that an update would install although the cluster has it, which Helm refuses.

    planned: what an update would create. Raises UserError where the state lacks the release's parent.
    """
    reachable = (one for one in planned if one.is_release and one.provider in state.urns)
    release = next((one for one in reachable if cluster.revisions(one)), None)
    if release and release.parent not in state.urns:
        raise UserError(
            f"{_label(release)} is in the cluster, and its component is not in the state yet: an update creates the "
            "component and stops at the release, which `recover` imports then.",
            f"pulumi up --stack {name}",
        )
    return _unknown(name, release) if release else None


def _unfinished(release: Resource, revisions: Sequence[Revision], cluster: Cluster) -> Finding:
    last = revisions[-1]
    timeout = int(release.inputs.get("timeout") or _PROVIDER_TIMEOUT)
    options = ["--namespace", release.inputs["namespace"], "--wait", "--timeout", f"{timeout}s"]
    if deployed := _last_deployed(revisions):
        command = ["helm", "rollback", release.inputs["name"], str(deployed.number), *options]
        action = f"Helm rolls back to revision {deployed.number}, the last deployed one, and waits for its pods."
    else:
        command = ["helm", "uninstall", release.inputs["name"], *options]
        action = "No revision was ever deployed: the release is uninstalled, and the next update installs it."
    operation = last.pending or "an uninstall that kept its history"
    return Finding(
        problem=f"{_label(release)} is in the middle of {operation} (revision {last.number}, {last.status}) since "
        f"{last.since:%Y-%m-%d %H:%M:%S} UTC.",
        cause="Helm was killed before it recorded the result, unless somebody runs helm by hand right now.",
        action=action,
        command=command,
        repair=lambda: cluster.helm(release, command),
    )


def _missing(name: str, release: Resource) -> Finding:
    refresh = ["pulumi", "refresh", "--yes", "--skip-preview", "--stack", name, "--target", release.urn]
    return Finding(
        problem=f"{_label(release)} is in the state and not in the cluster.",
        cause="It was uninstalled outside of this stack, or its namespace was deleted.",
        action="The release is removed from the state, and the next update installs it.",
        command=refresh,
        repair=lambda: stack.run(refresh),
    )


def _unknown(name: str, release: Resource) -> Finding:
    adopt = ["pulumi", "import", release.type, release.urn.rpartition("::")[2]]
    adopt += [f"{release.inputs['namespace']}/{release.inputs['name']}", "--stack", name]
    adopt += ["--parent", f"parent={release.parent}", "--provider", f"provider={release.provider}"]
    adopt += ["--protect=false", "--generate-code=false", "--yes", "--skip-preview"]
    return Finding(
        problem=f"{_label(release)} is in the cluster and not in the state.",
        cause="An update was killed after Helm had finished, the state was lost, or somebody else installed it.",
        action="The release is imported as it is, without touching its pods; the next update applies the settings.",
        command=adopt,
        repair=lambda: stack.run(adopt),
    )


def _last_deployed(revisions: Sequence[Revision]) -> Revision | None:
    if not revisions[-1].status.startswith("pending-"):
        return None  # an uninstall has deleted something already, and is completed
    for status in ("deployed", "superseded"):
        for revision in reversed(revisions):
            if revision.status == status:
                return revision
    return None


def _label(release: Resource) -> str:
    return f"Release {release.inputs['name']} (namespace {release.inputs['namespace']})"


def _app_release(name: str, known: Sequence[Resource]) -> Sequence[Resource]:
    """Return the app's release where no resource declares it, and the provider of its cluster is known.

    After a first install that was cut off it is in neither the state nor a preview: the preview stops at it.
    """
    provider = next((one.urn for one in known if one.type == "pulumi:providers:kubernetes"), None)
    if not provider or any(one.is_release and one.inputs["name"] == RELEASE for one in known):
        return []
    namespace = stack_config.load(name, os.environ).values["namespace"]
    return [Resource("", HELM_RELEASE, None, provider, {"name": RELEASE, "namespace": namespace})]
