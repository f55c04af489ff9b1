"""Helm releases that Helm is in the middle of for ever, and those of which the state and the cluster say different.

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

_PROVIDER_SECONDS = 300  # its own wait, where a release names none


def find_unfinished(name: str, state: Checkpoint, cluster: Cluster) -> Finding | None:
    """A release that Helm takes for being changed, so that it refuses every other change."""
    begun = [operation.resource for operation in state.operations]
    of_the_app = _of_the_app(name, [*state.resources, *begun])
    for release in {one.urn: one for one in [*state.resources, *begun, *of_the_app] if one.is_release}.values():
        revisions = cluster.revisions(release)
        if revisions and (revisions[-1].under_way or revisions[-1].status == "uninstalled"):
            return _unfinished(release, revisions, cluster)
    return None


def find_missing(name: str, state: Checkpoint, cluster: Cluster) -> Finding | None:
    """A release that is in the state and not in the cluster: an update without a refresh would not miss it."""
    declared = (one for one in state.resources if one.is_release)
    return next((_missing(name, release) for release in declared if not cluster.revisions(release)), None)


def find_unknown(name: str, state: Checkpoint, planned: Iterable[Resource], cluster: Cluster) -> Finding | None:
    """A release that an update would install, though there is one of that name: Helm refuses that.

    planned: what an update would create. Raises UserError where the state lacks what the release belongs to.
    """
    asked = (one for one in planned if one.is_release and one.provider in state.urns)
    release = next((one for one in asked if cluster.revisions(one)), None)
    if release and release.parent not in state.urns:
        raise UserError(
            f"{_told(release)} is in the cluster, and the state has neither it nor what it is part of.\n"
            f"    pulumi up --stack {name}   makes the latter and stops at the release; then recover again"
        )
    return _unknown(name, release) if release else None


def _unfinished(release: Resource, revisions: Sequence[Revision], cluster: Cluster) -> Finding:
    last = revisions[-1]
    seconds = int(release.inputs.get("timeout") or _PROVIDER_SECONDS)
    where = ["--namespace", release.inputs["namespace"], "--wait", "--timeout", f"{seconds}s"]
    if back := _deployed_before(revisions):
        arguments = ["helm", "rollback", release.inputs["name"], str(back.number), *where]
        plan = (
            f"Helm goes back to revision {back.number}, the last that was deployed, and waits until its pods are ready."
        )
    else:
        arguments = ["helm", "uninstall", release.inputs["name"], *where]
        plan = (
            "No revision of it was ever deployed: what there is of it is deleted, and the next update installs it anew."
        )
    doing = last.under_way or "an uninstall that kept its history"
    return Finding(
        what=f"{_told(release)} is in the middle of {doing} (revision {last.number}, {last.status}) since "
        f"{last.since:%Y-%m-%d %H:%M:%S} UTC.",
        cause="Who began it was killed before Helm noted how it ended, unless somebody runs helm by hand right now.",
        plan=plan,
        command=arguments,
        mend=lambda: cluster.helm(release, arguments),
    )


def _missing(name: str, release: Resource) -> Finding:
    refresh = ["pulumi", "refresh", "--yes", "--skip-preview", "--stack", name, "--target", release.urn]
    return Finding(
        what=f"{_told(release)} is in the state and not in the cluster.",
        cause="It was uninstalled past this stack, or with its namespace.",
        plan="The state forgets it, and the next update installs it anew.",
        command=refresh,
        mend=lambda: stack.mend(*refresh),
    )


def _unknown(name: str, release: Resource) -> Finding:
    adopt = ["pulumi", "import", release.type, release.urn.rpartition("::")[2]]
    adopt += [f"{release.inputs['namespace']}/{release.inputs['name']}", "--stack", name]
    adopt += ["--parent", f"parent={release.parent}", "--provider", f"provider={release.provider}"]
    adopt += ["--protect=false", "--generate-code=false", "--yes", "--skip-preview"]
    return Finding(
        what=f"{_told(release)} is in the cluster and not in the state.",
        cause="An update was killed once Helm was done, the state was lost, or somebody else installed it.",
        plan="The state takes it over as it is, no pod is touched; the next update makes it what the settings say.",
        command=adopt,
        mend=lambda: stack.mend(*adopt),
    )


def _deployed_before(revisions: Sequence[Revision]) -> Revision | None:
    if not revisions[-1].status.startswith("pending-"):
        return None  # an uninstall has begun to delete, and is ended
    for status in ("deployed", "superseded"):
        for revision in reversed(revisions):
            if revision.status == status:
                return revision
    return None


def _told(release: Resource) -> str:
    return f"Release {release.inputs['name']} (namespace {release.inputs['namespace']})"


def _of_the_app(name: str, known: Sequence[Resource]) -> Sequence[Resource]:
    """The app's release as the program would declare it; none where it is known, or no way to its cluster is.

    Where its first install was cut off, neither the state nor a preview tells of it: the preview stops at it.
    """
    provider = next((one.urn for one in known if one.type == "pulumi:providers:kubernetes"), "")
    if not provider or any(one.is_release and one.inputs["name"] == RELEASE for one in known):
        return []
    namespace = stack_config.load(name, os.environ).values["namespace"]
    return [Resource("", HELM_RELEASE, "", provider, {"name": RELEASE, "namespace": namespace})]
