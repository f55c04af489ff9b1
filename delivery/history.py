"""The updates of a stack as a table, and of each whether one can go back to it."""

from collections.abc import Mapping, Sequence

from delivery import CommandError, earlier, updates
from delivery.earlier import UnreachableError
from delivery.updates import Update

_TITLES = ("version", "began (UTC)", "result", "commit", "author", "images", "message", "way back")
_SHORT = 7
_MESSAGE = 60


def table(name: str, count: int) -> str:
    """The last so many updates of a stack, the newest first. Raises CommandError."""
    made = updates.read(name)
    if not made:
        raise CommandError(f"Stack {name} was never brought up.\n    pulumi up --stack {name}")
    verified = updates.verified(name)
    rows = [_TITLES, *(_row(name, update, verified) for update in made[:count])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(name: str, update: Update, verified: Sequence[int]) -> Sequence[str]:
    try:
        images, way_back = _images(earlier.find(name, update).images), "yes"
    except UnreachableError as error:
        images, way_back = "", f"no: {error.reason}"
    return (
        str(update.version),
        update.time[:16].replace("T", " "),
        ("" if update.kind == "update" else f"{update.kind} ")
        + ("verified" if update.version in verified else update.result),
        update.commit[:_SHORT],
        update.author,
        images,
        update.message.partition("\n")[0][:_MESSAGE],
        way_back,
    )


def _images(images: Mapping[str, str]) -> str:
    return ", ".join(f"{app} {_short(image)}" for app, image in images.items())


def _short(image: str) -> str:
    """The digest as people tell it, else the tag."""
    _, is_digest, digest = image.partition("@sha256:")
    return digest[:_SHORT] if is_digest else image.rpartition("/")[2].partition(":")[2]
