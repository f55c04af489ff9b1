"""What proves that one can go back to an earlier update, before anything is previewed.

A line says ok where something is proven, note where it cannot be or is to be known, and n/a where there is nothing to
prove. What is proven to be wrong is a refusal.
"""

from collections.abc import Iterator

from delivery.history import past_release
from delivery.rollback import migrations, registry
from delivery.rollback.plan import Rollback
from system import git
from system.errors import UserError


def lines(rollback: Rollback) -> Iterator[str]:
    """What was found out about the way back, a line each, as soon as it is known.

    Raises UserError where the way is not safe: where an image is gone, or where the earlier backend could not live
    with the database of today.
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
        yield f"ok    commit {target.commit[:7]} is in this checkout: its program, its chart and its settings are taken"
    if rollback.current.result == "failed":
        yield f"note  update {rollback.current.version} failed, and a release that fails takes itself back"
    if target.dirty:
        yield f"note  update {target.version} was made with files that no commit has; its chart values may be such"


def _images(rollback: Rollback) -> Iterator[str]:
    app = rollback.app
    for name, image in app.images.items():
        is_exact = "@sha256:" in image
        told = "" if is_exact else ", a tag: the image that it names today"
        # A tag that is pinned proves nothing, and need not lead to a registry that is there for anybody but the nodes.
        answer = registry.ask(image) if is_exact or app.source == "registry" else registry.Answer("found")
        if answer.state == "gone":
            raise UserError(
                f"There is no way back to update {rollback.target.version}: its image of the {name} is not in the "
                f"registry any more ({answer.detail}).\n    {registry.command(image)}   asks for it"
            )
        # No refusal where the registry does not tell: it may be what is down, the nodes may have the image still, and a
        # rollback is wanted because something is broken. Should it be gone, the release takes itself back.
        if answer.state == "unknown":
            told += f"\n      the registry did not tell whether it is there: {answer.detail}"
        yield f"{'note' if told else 'ok  '}  {name} {image}{told}"


def _migrations(rollback: Rollback) -> Iterator[str]:
    target = rollback.target.version
    commits = [past_release.values_of(update)[0] for update in rollback.later]
    if lost := sorted({commit[:7] for commit in commits if commit and not git.has(commit)}):
        yield f"note  migrations of commits that are not in this checkout were not read: {', '.join(lost)}"
    since = migrations.since(rollback.app.commit, [commit for commit in commits if commit and git.has(commit)])
    if since is None:
        yield f"n/a   the backend of update {target} has no migrations in {migrations.FOLDER}"
        return
    findings = [found for path, commit in since for found in migrations.judge(path, git.show(commit, path) or "")]
    if breaking := [found for found in findings if found.verdict == "breaking"]:
        told = "".join(f"\n    {found.file}: {found.why}" for found in breaking)
        raise UserError(
            f"There is no way back to update {target}: its backend cannot live with what the database went through "
            f"since.{told}\n    mend it forward: a new commit, and `pulumi up`"
        )
    for found in findings:
        yield f"note  {found.file} does not tell whether the earlier backend can live with it: {found.why}"
    if not findings:
        names = ", ".join(path.rpartition("/")[2] for path, _ in since) or "none"
        yield f"ok    migrations since then that its backend can live with: {names}"


def _secrets(rollback: Rollback) -> Iterator[str]:
    changed, rotation = rollback.rotation.changed, rollback.rotation
    for key in changed:
        stays = rollback.extent.secrets == "today"
        told = "stays as it is today" if stays else f"goes back to what update {rollback.target.version} had"
        yield f"note  {key} was changed since, and {told}"
    for key in rotation.unknown:
        yield f"note  {key} stays as it is today; what it was then cannot be decrypted"
    for key in rotation.added:
        yield f"note  {key} was set since then"
    if not (changed or rotation.unknown or rotation.added):
        yield "ok    no secret was changed since"
