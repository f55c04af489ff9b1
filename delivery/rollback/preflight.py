"""The preflight checks of a rollback, before the preview.

A line begins with ok for a check that passed, note for what cannot be checked or is worth knowing, n/a for nothing to
check. A check that fails is an error.
"""

from collections.abc import Iterator

from delivery.history import past_release
from delivery.history.past_release import CannotRollBackError
from delivery.rollback import migrations, registry
from delivery.rollback.plan import Rollback
from system import git


def lines(rollback: Rollback) -> Iterator[str]:
    """Yield a line for each result as soon as it is known.

    Raises CannotRollBackError where an image is gone, or where a later migration breaks the past backend.
    """
    yield from _update(rollback)
    yield from _images(rollback)
    yield from _migrations(rollback)
    yield from _secrets(rollback)


def _update(rollback: Rollback) -> Iterator[str]:
    target, app = rollback.target, rollback.app
    trust = "ok    {} was verified" if rollback.verified else "note  {} was never verified"
    yield f"{trust.format(f'update {target.version} of {target.minute} succeeded and')}: {target.title}"
    yield f"ok    commit {app.commit[:7]} is in this checkout, and {app.path} in it"
    if rollback.extent.scope == "full":
        yield f"ok    commit {target.short_commit} is in this checkout, with its program, chart and settings"
    if rollback.current.result == "failed":
        yield f"note  update {rollback.current.version} failed, and a failed release rolls itself back"
    if target.dirty:
        yield f"note  update {target.version} had uncommitted changes, which its chart values may miss"


def _images(rollback: Rollback) -> Iterator[str]:
    app = rollback.app
    for name, image in app.images.items():
        has_digest = "@sha256:" in image
        note = "" if has_digest else ", a tag: the image that it names today"
        # A pinned tag proves nothing, and its registry may be reachable for the nodes only.
        is_checked = has_digest or app.source == "registry"
        status = registry.check(image) if is_checked else registry.Status("found")
        if status.state == "gone":
            reason = f"its image of the {name} is not in the registry any more ({status.detail})"
            raise CannotRollBackError(rollback.target, reason, registry.command(image))
        # No error: the registry may be down, the nodes may still have the image, and a rollback is urgent.
        # Without the image the release rolls itself back.
        if status.state == "unknown":
            note += f"\n      could not check the registry: {status.detail}"
        yield f"{'note' if note else 'ok  '}  {name} {image}{note}"


def _migrations(rollback: Rollback) -> Iterator[str]:
    target = rollback.target
    commits = [commit for update in rollback.later if (commit := past_release.values_of(update)[0])]
    if missing := sorted({commit[:7] for commit in commits if not git.has(commit)}):
        yield f"note  could not check the migrations of commits that are not in this checkout: {', '.join(missing)}"
    added = migrations.added_since(rollback.app.commit, [commit for commit in commits if git.has(commit)])
    if added is None:
        yield f"n/a   the backend of update {target.version} has no migrations in {migrations.FOLDER}"
        return
    issues = [issue for path, commit in added for issue in migrations.issues(path, git.show(commit, path) or "")]
    if breaking := [f"{issue.file} ({issue.statement})" for issue in issues if issue.effect == "breaking"]:
        # No command helps but a new commit.
        raise CannotRollBackError(target, f"later migrations break its backend: {', '.join(breaking)}", None)
    for issue in issues:
        yield f"note  could not check whether {issue.file} breaks the past backend: {issue.statement}"
    if not issues:
        names = ", ".join(path.rpartition("/")[2] for path, _ in added) or "none"
        yield f"ok    later migrations, compatible with its backend: {names}"


def _secrets(rollback: Rollback) -> Iterator[str]:
    changes = rollback.secret_changes
    for key in changes.changed:
        is_kept = rollback.extent.secrets == "today"
        result = "keeps today's value" if is_kept else f"gets the value of update {rollback.target.version}"
        yield f"note  {key} has changed since, and {result}"
    for key in changes.unknown:
        yield f"note  {key} keeps today's value; its past value cannot be decrypted"
    for key in changes.added:
        yield f"note  {key} was added since"
    if not (changes.changed or changes.unknown or changes.added):
        yield "ok    no secret has changed since"
